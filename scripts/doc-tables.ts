import { FAILURES } from '../domain/failures.js';
import { METRIC_NAMES, METRICS, ownerOf } from '../domain/metrics.js';
import { parseModelSpec } from '../domain/spec.js';
import type { DocTexts } from './doc-texts.js';

const REFERENCE = 'docs/reference.md';
const REQUIRED = 'required';
const COMMAND_LIST = 'scripts/commands/list.ts';
const STORE_ENVIRONMENT = 'adapters/object-store/s3-environment.ts';
const LOG_ENVIRONMENT = 'adapters/process/log-level.ts';
const COMMAND_ENVIRONMENT = 'scripts/commands/terminal/place.ts';
const TRACE_ENVIRONMENT = 'client/tracing.ts';

/** The beginnings of the variables that are documented; a name of a constant has no such beginning. */
const VARIABLE = '(?:SWITCHYARD|TEMPORAL|OTEL|S3|AWS)_[A-Z0-9_]+';

/** Variables that only our own programs set, for one another. */
const INNER = [
  'SWITCHYARD_REQUEST', // a trainer's request
  'SWITCHYARD_SETUP_MS', // how long set-up took, for the demo
  'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
];

/** One sentence for each place where a table and the code differ, and for each variable that no table has. */
export function docTableProblems(texts: DocTexts): readonly string[] {
  return [...TABLES.flatMap((table) => tableProblems(texts, table)), ...variableProblems(texts)];
}

/** The words that are typed for each command, as the list of commands has them. */
export function commandNames(sources: DocTexts['sources']): readonly string[] {
  const entries = (sources[COMMAND_LIST] ?? '').matchAll(/^ {2}'?([a-z -]+)'?: async/gm);
  return [...entries].map(([, name = '']) => name);
}

interface Table {
  /** As in `<!-- table: NAME -->`, the line above the table. */
  readonly name: string;
  /** The first cells of each row, in order, as the code has them; further cells are free. */
  readonly rows: (sources: DocTexts['sources']) => readonly (readonly string[])[];
}

const TABLES: readonly Table[] = [
  { name: 'specification', rows: specificationRows },
  { name: 'commands', rows: (sources) => commandNames(sources).map((name) => [name]) },
  {
    name: 'worker environment',
    rows: (sources) => environmentRows(sources, 'workers/environment.ts'),
  },
  {
    name: 'endpoint environment',
    rows: (sources) => environmentRows(sources, 'serving/environment.ts'),
  },
  {
    name: 'command environment',
    rows: (sources) => variablesIn(sources[COMMAND_ENVIRONMENT] ?? '').map((name) => [name]),
  },
  {
    name: 'trace environment',
    rows: (sources) => variablesIn(sources[TRACE_ENVIRONMENT] ?? '').map((name) => [name]),
  },
  {
    name: 'metrics',
    rows: () =>
      METRIC_NAMES.map((name) => {
        const { limit, unit, meaning } = METRICS[name];
        return [name, ownerOf(METRICS[name]), limit, unit, meaning];
      }),
  },
  { name: 'failures', rows: () => Object.entries(FAILURES) },
];

/** Every key of a specification, with its default, `required` or `optional`. */
function specificationRows(): readonly (readonly string[])[] {
  const { convert, test, approve, retrain, monitor, ...rest } = parseModelSpec({
    model: REQUIRED,
    train: { trainer: REQUIRED, source: REQUIRED },
    test: { gates: [{ metric: 'accuracy', min: 0.5 }] },
    approve: { handOffs: [{ role: REQUIRED }] },
    retrain: { onNewData: {} },
    monitor: { checks: [{ metric: 'error-rate', max: 0 }] },
  });
  const [check] = monitor?.checks ?? [];
  const optional = { min: 'optional', max: 'optional', then: 'optional' };
  const handOff = { ...approve.handOffs[0], reminder: 'optional', escalation: 'optional' };
  return leaves({
    ...rest,
    convert: { ...convert, twin: 'optional' },
    test: { ...test, gates: REQUIRED },
    approve: { ...approve, handOffs: handOff, breakGlass: 'optional' },
    retrain: { every: 'optional', cron: 'optional', ...retrain },
    monitor: { ...monitor, checks: { ...check, metric: REQUIRED, ...optional } },
  });
}

function leaves(value: unknown, path = ''): readonly (readonly string[])[] {
  const isFolder = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  if (!isFolder) return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    leaves(inner, path === '' ? key : `${path}.${key}`),
  );
}

/** Every variable of a process's environment, the bucket's included, with `required`, `optional` or its default. */
function environmentRows(
  sources: Readonly<Record<string, string>>,
  file: string,
): readonly (readonly string[])[] {
  return [STORE_ENVIRONMENT, LOG_ENVIRONMENT, file].flatMap((each) =>
    variablesOf(sources[each] ?? ''),
  );
}

function variablesOf(source: string): readonly (readonly string[])[] {
  return source
    .split(/^ {2}(?=[A-Z][A-Z0-9_]+:)/m)
    .slice(1)
    .map((entry) => {
      const name = /^[A-Z0-9_]+/.exec(entry)?.[0] ?? '';
      const own = entry.split(/,\n(?! {4})/)[0] ?? '';
      const given = /\.default\((.*?)\)/.exec(own)?.[1];
      if (given === undefined) return [name, own.includes('.optional()') ? 'optional' : 'required'];
      return [name, given.replaceAll(/'|(?<=\d)_(?=\d)/g, '')];
    });
}

/** Variables that a source looks up or sets: quoted, as a key, or as a property. What comments and sentences name does not count. */
function variablesIn(source: string): readonly string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const places = new RegExp(`'(${VARIABLE})'|^ +(${VARIABLE}):|\\.env\\.(${VARIABLE})\\b`, 'gm');
  const names = [...code.matchAll(places)].map(
    ([, quoted, key, property]) => quoted ?? key ?? property ?? '',
  );
  return [...new Set(names)];
}

/** Every variable that any source names is documented under "Environment". */
function variableProblems({ documents, sources }: DocTexts): readonly string[] {
  const text = documents[REFERENCE] ?? '';
  const [section = ''] = (text.split('\n## Environment\n')[1] ?? '').split('\n## ');
  const known = new Set([...(section.match(new RegExp(VARIABLE, 'g')) ?? []), ...INNER]);
  return Object.entries(sources).flatMap(([path, source]) =>
    variablesIn(source)
      .filter((name) => !known.has(name))
      .map((name) => `${REFERENCE}, "Environment": ${name} of ${path} is missing`),
  );
}

function tableProblems(texts: DocTexts, { name, rows }: Table): readonly string[] {
  const text = texts.documents[REFERENCE] ?? '';
  const place = `${REFERENCE}, table "${name}"`;
  const table = text.split(`<!-- table: ${name} -->\n`)[1];
  if (table === undefined) return [`${place}: there is no such table`];
  const found = new Map(readTable(table).map((cells) => [cells[0] ?? '', cells]));
  const expected = rows(texts.sources);
  const known = new Set(expected.map(([first]) => first));
  return [
    ...[...found.keys()]
      .filter((first) => !known.has(first))
      .map((first) => `${place}: the code has no ${first}`),
    ...expected.flatMap((cells) => {
      const [first = ''] = cells;
      const shown = found.get(first)?.slice(0, cells.length);
      if (shown === undefined) return [`${place}: ${first} is missing`];
      const wrong = cells.findIndex((cell, column) => cell !== shown[column]);
      return wrong === -1
        ? []
        : [`${place}: ${first} says "${shown[wrong] ?? ''}", the code "${cells[wrong] ?? ''}"`];
    }),
  ];
}

/** The rows of the table that a text begins with, without its head; cells without backticks. */
function readTable(text: string): readonly (readonly string[])[] {
  const lines = text.trimStart().split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end === -1 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  );
}
