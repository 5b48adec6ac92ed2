import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisRuntime } from '../../adapters/model-runtime/this-runtime.js';
import { daysBack, findRequest } from '../../adapters/prediction-log/find-request.js';
import { PortError } from '../../domain/failures.js';
import {
  compareRuns,
  type LoggedRequest,
  type OutputDifference,
  type Reproduction,
} from '../../domain/logged-request.js';
import { shortDigest } from '../../domain/names.js';
import { failedOnItsWay } from '../../domain/not-asked.js';
import { runtimeDifferences, type RuntimeFacts } from '../../domain/runtime-facts.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { runAgain, type RunAgain } from './run-again.js';
import type { Answer } from './terminal/answer.js';
import { openBucket, type Bucket } from './terminal/bucket.js';
import { defineCommand, type Asked } from './terminal/define-command.js';
import { wholeNumber } from './terminal/numbers.js';
import { findPlace, pageOf, requireModel, type Place } from './terminal/place.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

/** How far back the log is looked through where no day is named: what retention keeps of it by default. */
const DAYS = 90;
const DEFAULT_MEMORY_MB = 1_024;

const OPTIONS = {
  model: { type: 'string', value: 'NAME', about: 'of this model; all that ever served' },
  day: { type: 'string', value: 'DATE', about: 'of this UTC day, yyyy-mm-dd; the last 90' },
  input: {
    type: 'string',
    value: 'FILE',
    about:
      'the request’s JSON body (of an InvalidRow: the row), where the log holds only its sha256',
  },
  'memory-mb': { type: 'string', value: 'N', about: 'the model’s memory; 1024' },
} as const;

/** `switchyard reproduce <request>`: runs a logged request again, and says whether the same comes out. */
export const runReproduce = defineCommand({
  name: 'reproduce',
  takes: '<request-id>',
  summary: 'runs a logged request again on its version; 1 where another answer or end comes out',
  more: [
    'Finds it in the prediction log, the newest first, reading the ids only; fetches exactly the version that answered, verified, and',
    'runs the logged input in a process of its own. Where the result differs it says what does, and what of the runtime does. Where',
    'the log does not say how the request ran, cut into several runs or beside which other rows, an answer that agrees but for the last',
    'bits of its numbers ends with 0. So does a request that the model was never asked: it is not run.',
  ],
  options: OPTIONS,
  run: async ({ values, words: [requestId = ''], terminal }) => {
    const days = daysOf(values.day);
    const memoryMb = wholeNumber('--memory-mb', values['memory-mb'], { min: 64, max: 1_000_000 });
    const body = values.input === undefined ? undefined : await readBody(values.input);
    const place = await findPlace();
    const bucket = openBucket(place);
    const logged = await findLogged({ bucket, place, days, requestId, values, terminal });
    if (failedOnItsWay(logged.error)) return notRun(place, logged);
    const folder = await mkdtemp(join(tmpdir(), 'switchyard-reproduce-'));
    try {
      const running = runAgain(bucket.registry, logged, {
        ...{ folder, body, memoryLimitBytes: (memoryMb ?? DEFAULT_MEMORY_MB) * 1024 * 1024 },
      });
      const about = `${logged.model} version ${logged.version}`;
      return answerOf(place, logged, await terminal.during(`running ${about} again`, running));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

function daysOf(word: string | undefined): readonly Date[] {
  if (word === undefined) return daysBack(new Date(), DAYS);
  const day = new Date(`${word}T00:00:00Z`);
  const isDay = /^\d{4}-\d\d-\d\d$/.test(word) && day.toString() !== 'Invalid Date';
  if (isDay && day.toISOString().startsWith(word)) return [day];
  throw new UsageError(`--day needs a UTC day as yyyy-mm-dd, not "${word}"`);
}

async function readBody(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new PortError('InvalidRequest', `${file} cannot be read`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PortError('InvalidRequest', `${file} is no JSON`, { cause });
  }
}

async function findLogged(given: {
  bucket: Bucket;
  place: Place;
  days: readonly Date[];
  requestId: string;
  values: Asked<typeof OPTIONS>['values'];
  terminal: Asked<typeof OPTIONS>['terminal'];
}): Promise<LoggedRequest> {
  const { bucket, place, days, requestId, values, terminal } = given;
  if (values.model !== undefined) requireModel(place, values.model);
  const finding = async () => {
    const models = values.model === undefined ? await served(bucket, place) : [values.model];
    return findRequest(bucket.store, { models, requestId, days });
  };
  const { request, files, unreadable } = await terminal.during(
    `looking for ${requestId} in ${bucket.name}`,
    finding(),
  );
  if (request !== null) {
    const needsInput = request.inputs === null && !failedOnItsWay(request.error);
    if (!needsInput || values.input !== undefined) return request;
    throw new UsageError(
      `the log holds only the sha256 of what ${requestId} asked: give its body with --input FILE`,
    );
  }
  const where = values.day === undefined ? `the last ${DAYS} days` : values.day;
  const torn = unreadable.length === 0 ? '' : `; ${unreadable.length} of them cannot be read`;
  throw new PortError(
    'InvalidRequest',
    `no request "${requestId}" is logged in ${where} (${files} files${torn}); what was answered just now is written within seconds`,
  );
}

/** The models of the installation, as far as they are known here; else all that have a pointer in the bucket. */
async function served({ store }: Bucket, { models }: Place): Promise<readonly string[]> {
  if (models !== null) return models;
  const { objects } = await store.list('models/');
  return objects.flatMap(({ key }) => /^models\/([^/]+)\/live\.json$/.exec(key)?.[1] ?? []);
}

/** The log's own words about a request. */
function aboutLogged(logged: LoggedRequest) {
  const { model, requestId, version, digest, error, at, rows, artifact } = logged;
  const end = error === null ? `was answered in ${logged.latencyMs} ms` : `failed with ${error}`;
  return {
    line: `${requestId} ${end}, ${at}: ${model} version ${version} (${shortDigest(digest)}), ${rows} rows`,
    facts: { model, requestId, at, version, digest, artifact, rows, error },
  };
}

/** Of a request that the model was never asked: it says nothing about the version. */
function notRun(place: Place, logged: LoggedRequest): Answer {
  const { line, facts } = aboutLogged(logged);
  return {
    lines: [line, 'not run: the model was never asked, so there is nothing to compare'],
    facts: { ...facts, same: null, reproduction: { kind: 'not-asked' } },
    webUi: pageOf(place, liveWorkflowId(logged.model)),
    next: [typed('show', logged.model, String(logged.version))],
  };
}

function answerOf(
  place: Place,
  logged: LoggedRequest,
  { result, input, batchRows, tolerance }: RunAgain,
): Answer {
  const { model, version, error, runtime: then } = logged;
  const now = thisRuntime();
  const differences = runtimeDifferences(then, now);
  const reproduction = compareRuns(logged, result, tolerance);
  const { line, facts } = aboutLogged(logged);
  const isDifferent = reproduction.kind !== 'same' && reproduction.kind !== 'close';
  return {
    lines: [
      line,
      `input: ${input === 'log' ? 'as logged' : 'as given; its sha256 is the logged one'}`,
      `run again on ${described(now)}`,
      ...(differences.length === 0
        ? ['which is the runtime that answered']
        : differences.map((each) => `  ${NAMES[each.what]} was ${each.then}, is ${each.now} here`)),
      ...resultLines(logged, reproduction, batchRows),
      ...(result.kind === 'failed' ? [`  ${result.message}`] : []),
      ...(reproduction.kind === 'other-end' && error === 'OutOfMemory' ? [MEMORY_HINT] : []),
    ],
    facts: {
      ...{ ...facts, same: reproduction.kind === 'same', reproduction, batchRows, input },
      runtime: { then, now, differences },
    },
    webUi: pageOf(place, liveWorkflowId(model)),
    next: [typed('show', model, String(version))],
    exitCode: isDifferent ? 1 : 0,
  };
}

const NAMES: Readonly<Record<keyof RuntimeFacts, string>> = {
  onnxruntime: 'onnxruntime-node',
  node: 'Node',
  platform: 'the platform',
  cpu: 'the CPU',
};

/** The log does not say how much there was. */
const MEMORY_HINT = '  --memory-mb runs it with as much memory as the model had then';

const described = ({ onnxruntime, node, platform, cpu }: RuntimeFacts) =>
  `onnxruntime-node ${onnxruntime}, Node ${node}, ${platform}, ${cpu}`;

function resultLines(
  logged: LoggedRequest,
  reproduction: Reproduction,
  batchRows: number | null,
): readonly string[] {
  const among = batchRows === null ? '' : `, in a run of ${batchRows} rows as then`;
  switch (reproduction.kind) {
    case 'same':
      return logged.error === null
        ? [`same: ${logged.outputs.map(({ name }) => name).join(', ')}, bit for bit${among}`]
        : [`same: it fails with ${logged.error} again`];
    case 'other-end':
      return [`different: ${reproduction.then} then, ${reproduction.now} now`];
    case 'close':
      return [
        ...differenceLines(`agrees within ${reproduction.tolerance}`, reproduction.differences),
        `  not known exactly is how it ran then: ${unknownOf(logged)}`,
      ];
    case 'other-outputs':
      return differenceLines('different', reproduction.differences);
    default:
      return reproduction satisfies never;
  }
}

function differenceLines(what: string, differences: readonly OutputDifference[]): string[] {
  return differences.map(({ output, values, of, largest, first }) => {
    if (values === null || first === null) return `${what}: ${output} has another form`;
    const by = largest === null ? '' : `, by at most ${largest}`;
    const shown = `row ${first.row}: ${first.then} then, ${first.now} now`;
    return `${what}: ${output}, ${values} of ${of} values${by}; ${shown}`;
  });
}

/** What the log does not say. */
const unknownOf = ({ rows, batchRows }: LoggedRequest) =>
  batchRows === null
    ? 'its rows were cut into several runs'
    : `${batchRows - rows} rows of other requests ran beside it, and decide its last bits`;
