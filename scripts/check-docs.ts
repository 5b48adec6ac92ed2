/** Holds the documents against the code they describe; prints what differs, and ends with 1 where anything does. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FAILURES } from '../domain/failures.js';
import { METRIC_NAMES, METRICS, ownerOf } from '../domain/metrics.js';
import { parseModelSpec } from '../domain/spec.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENTS = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'RUNBOOK.md'],
  'docs/your-first-model.md',
];
const EXAMPLES = 'examples';
const REQUIRED = 'required';
const COMMAND_LIST = 'scripts/commands/list.ts';
const S3_ENVIRONMENT = 'adapters/object-store/s3-environment.ts';
const WORKER_ENVIRONMENT = 'workers/environment.ts';
const LOG_ENVIRONMENT = 'adapters/process/log-level.ts';
const ENDPOINT_ENVIRONMENT = 'serving/environment.ts';

/** What is compared, as texts, so that a test can change any of it. */
export interface DocTexts {
  /** The documents by file name. */
  readonly documents: Readonly<Record<string, string>>;
  /** The sources they quote or list, by path. */
  readonly sources: Readonly<Record<string, string>>;
  /** The scripts of package.json. */
  readonly npmScripts: readonly string[];
  /** Whether a path of the repository exists. */
  readonly exists: (path: string) => boolean;
}

/** One sentence for each place where a document and the code differ. */
export function docProblems(texts: DocTexts): readonly string[] {
  return [
    ...snippetProblems(texts),
    ...TABLES.flatMap((table) => tableProblems(texts, table)),
    ...Object.entries(texts.documents).flatMap(([name, text]) => [
      ...linkProblems(name, text, texts),
      ...npmProblems(name, text, texts.npmScripts),
    ]),
  ];
}

/** Regions between `// readme: start` and `// readme: end`, and the README's code below `<!-- snippet: PATH -->`. */
function snippetProblems({ documents, sources }: DocTexts): readonly string[] {
  const readme = documents['README.md'] ?? '';
  const shown = new Map(
    [...readme.matchAll(/<!-- snippet: (\S+) -->\n+```\w*\n([\s\S]*?)```/g)].map(
      ([, path = '', code = '']) => [path, code.trim()],
    ),
  );
  const marked = new Map(
    Object.entries(sources).flatMap(([path, source]) => {
      const region = /^\/\/ readme: start\n([\s\S]*?)^\/\/ readme: end$/m.exec(source)?.[1];
      return region === undefined ? [] : [[path, region.trim()]];
    }),
  );
  return [...new Set([...shown.keys(), ...marked.keys()])].flatMap((path) => {
    if (shown.get(path) === marked.get(path)) return [];
    if (!marked.has(path)) return [`README.md shows ${path}, which marks no region for it`];
    if (!shown.has(path)) return [`${path} marks a region that README.md does not show`];
    return [`README.md: the code is not the marked region of ${path}`];
  });
}

interface Table {
  readonly document: string;
  /** As in `<!-- table: NAME -->`, the line above the table. */
  readonly name: string;
  /** The first cells of each row, in order, as the code has them; further cells are free. */
  readonly rows: (sources: DocTexts['sources']) => readonly (readonly string[])[];
}

const TABLES: readonly Table[] = [
  { document: 'README.md', name: 'specification', rows: specificationRows },
  {
    document: 'README.md',
    name: 'commands',
    rows: (sources) =>
      [...(sources[COMMAND_LIST] ?? '').matchAll(/^ {2}'?([a-z -]+)'?: async/gm)].map(
        ([, name = '']) => [name],
      ),
  },
  {
    document: 'README.md',
    name: 'worker environment',
    rows: (sources) => environmentRows(sources, WORKER_ENVIRONMENT),
  },
  {
    document: 'README.md',
    name: 'endpoint environment',
    rows: (sources) => environmentRows(sources, ENDPOINT_ENVIRONMENT),
  },
  {
    document: 'README.md',
    name: 'metrics',
    rows: () =>
      METRIC_NAMES.map((name) => {
        const { limit, unit, meaning } = METRICS[name];
        return [name, ownerOf(METRICS[name]), limit, unit, meaning];
      }),
  },
  { document: 'README.md', name: 'failures', rows: () => Object.entries(FAILURES) },
];

/** Every key of a specification, with its default, `required` or `optional`. */
function specificationRows(): readonly (readonly string[])[] {
  const { test, approve, retrain, monitor, ...rest } = parseModelSpec({
    model: REQUIRED,
    train: { trainer: REQUIRED, source: REQUIRED },
    test: { gates: [{ metric: 'accuracy', min: 0.5 }] },
    approve: { handOffs: [{ role: REQUIRED }] },
    retrain: { onNewData: {} },
    monitor: { checks: [{ metric: 'error-rate', max: 0 }] },
  });
  const [check] = monitor?.checks ?? [];
  const optional = { min: 'optional', max: 'optional', then: 'optional' };
  const handOff = { ...approve.handOffs[0], reminder: 'optional' };
  return leaves({
    ...rest,
    test: { ...test, gates: REQUIRED },
    approve: { ...approve, handOffs: handOff },
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
  return [S3_ENVIRONMENT, LOG_ENVIRONMENT, file].flatMap((each) =>
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

function tableProblems(texts: DocTexts, { document, name, rows }: Table): readonly string[] {
  const text = texts.documents[document] ?? '';
  const place = `${document}, table "${name}"`;
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

/** Relative links lead to a file, and to a heading in it where they name one. */
function linkProblems(name: string, text: string, texts: DocTexts): readonly string[] {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, target = '']) => target,
  );
  return links.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? name : posix.join(posix.dirname(name), path);
    if (!texts.exists(file)) return [`${name}: the link ${target} leads nowhere`];
    const headings = texts.documents[file];
    if (anchor === undefined || headings === undefined) return [];
    return anchorsOf(headings).has(anchor) ? [] : [`${name}: ${file} has no heading #${anchor}`];
  });
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  return new Set(
    [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}

/** `npm run NAME` in a document is a script of package.json. */
function npmProblems(name: string, text: string, scripts: readonly string[]): readonly string[] {
  const named = [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, script = '']) => script);
  return [...new Set(named)]
    .filter((script) => !scripts.includes(script))
    .map((script) => `${name}: package.json has no script "${script}"`);
}

/** The documents and sources of this checkout. */
export function readDocTexts(): DocTexts {
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const textsOf = (paths: readonly string[]) =>
    Object.fromEntries(paths.map((path) => [path, read(path)]));
  const examples = readdirSync(join(ROOT, EXAMPLES), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => posix.join(EXAMPLES, path));
  return {
    documents: textsOf(DOCUMENTS),
    sources: textsOf([
      ...examples,
      S3_ENVIRONMENT,
      LOG_ENVIRONMENT,
      WORKER_ENVIRONMENT,
      ENDPOINT_ENVIRONMENT,
      COMMAND_LIST,
    ]),
    npmScripts: Object.keys(scriptsOf(JSON.parse(read('package.json')))),
    exists: (path) => existsSync(join(ROOT, path)),
  };
}

function scriptsOf(manifest: unknown): object {
  const isManifest = typeof manifest === 'object' && manifest !== null && 'scripts' in manifest;
  return isManifest && typeof manifest.scripts === 'object' ? (manifest.scripts ?? {}) : {};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = docProblems(readDocTexts());
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
