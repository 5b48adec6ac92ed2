import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { PortError } from '../../domain/failures.js';
import { shortDigest } from '../../domain/names.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { infer, type Inference } from './terminal/infer.js';
import { defineCommand, type Asked } from './terminal/define-command.js';
import { wholeNumber } from './terminal/numbers.js';
import { findPlace, pageOf, requireModel, type Place } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

/** Rows of one request. */
const BATCH = 32;
const WIDEST_TEXT = 60;

const OPTIONS = {
  text: { type: 'string', value: 'TEXT', about: 'a text to classify', multiple: true },
  file: {
    type: 'string',
    value: 'FILE',
    about: 'JSON lines with a text each; a label is compared',
  },
  version: { type: 'string', value: 'N', about: 'the live version where left out' },
  endpoint: { type: 'string', value: 'URL', about: 'an endpoint; the running one where left out' },
} as const;

/** `switchyard predict <model>`: what the endpoint answers to some texts. */
export const runPredict = defineCommand({
  name: 'predict',
  takes: '<model>',
  summary: 'what the endpoint answers to texts (--text, --file), and which version does',
  options: OPTIONS,
  run: async ({ values, words: [model = ''], terminal }) => {
    const version = wholeNumber('--version', values.version, { min: 1, max: 1_000_000 });
    const rows = await rowsOf(model, values);
    const place = await endpointPlace(values.endpoint);
    requireModel(place, model);
    const asking = inferAll(place.endpointUrl ?? '', { model, version, rows });
    const answers = await terminal.during(`asking for ${rows.length} rows`, asking);
    const labelled = answers.filter((answer) => answer.expected !== undefined);
    const right = labelled.filter(({ label, expected }) => label === expected).length;
    const [first] = answers;
    return {
      lines: [
        ...renderTable(answers.map((answer) => cellsOf(answer))),
        ...(labelled.length === 0 ? [] : [`${right} of ${labelled.length} labels are right`]),
        `${model} version ${first?.version ?? '-'}, digest ${shortDigest(first?.digest ?? '')}`,
      ],
      facts: {
        model,
        ...{ version: first?.version, digest: first?.digest, rows: answers },
        ...(labelled.length > 0 && { labelled: labelled.length, right }),
      },
      webUi: pageOf(place, liveWorkflowId(model)),
      next: [typed('versions', model)],
    };
  },
});

interface TextRow {
  readonly text: string;
  readonly label?: string | undefined;
}

const rowSchema = z.object({ text: z.string(), label: z.string().optional() });

async function rowsOf(
  model: string,
  { text, file }: Asked<typeof OPTIONS>['values'],
): Promise<readonly TextRow[]> {
  const rows = [
    ...(text ?? []).map((each) => ({ text: each })),
    ...(file === undefined ? [] : await readRows(file)),
  ];
  if (rows.length > 0) return rows;
  throw new UsageError(`predict needs a text: ${typed('predict', model, '--text', 'a text')}`);
}

async function readRows(file: string): Promise<readonly TextRow[]> {
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new PortError('InvalidDataset', `${file} cannot be read`, { cause });
  });
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    const row = rowSchema.safeParse(parseJson(line));
    if (row.success) return row.data;
    throw new PortError(
      'InvalidDataset',
      `${file}, line ${index + 1}: expected one JSON object with a text, such as {"text": "…"}`,
    );
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then says that the line is no object
  }
}

/** The installation with its endpoint; a given address needs no installation. */
async function endpointPlace(given: string | undefined): Promise<Place> {
  if (given !== undefined) {
    const nothing = {
      temporal: null,
      namespace: 'default',
      uiUrl: null,
      bucket: null,
      models: null,
      keyFile: null,
    };
    return { ...nothing, taskQueue: '', deployment: '', endpointUrl: given };
  }
  const place = await findPlace();
  if (place.endpointUrl !== null) return place;
  throw new PortError(
    'SetUpMissing',
    'no endpoint is known here: name one with --endpoint, or set SWITCHYARD_ENDPOINT_URL',
  );
}

async function inferAll(
  endpoint: string,
  given: { model: string; version: number | undefined; rows: readonly TextRow[] },
) {
  const answers: (Inference & { readonly text: string; readonly expected?: string })[] = [];
  for (let start = 0; start < given.rows.length; start += BATCH) {
    const rows = given.rows.slice(start, start + BATCH);
    const inferred = await infer(endpoint, { ...given, texts: rows.map(({ text }) => text) });
    for (const [index, { text, label }] of rows.entries()) {
      const each = inferred[index];
      if (each === undefined) continue;
      answers.push({ text, ...each, ...(label !== undefined && { expected: label }) });
    }
  }
  return answers;
}

function cellsOf(answer: Inference & { text: string; expected?: string }): readonly string[] {
  const { label, probability, text, expected } = answer;
  const mark = expected === undefined ? '' : expected === label ? 'right' : `not ${expected}`;
  const line = text.replaceAll(/\s+/g, ' ').slice(0, WIDEST_TEXT);
  return [label, probability.toFixed(3), ...(expected === undefined ? [] : [mark]), line];
}
