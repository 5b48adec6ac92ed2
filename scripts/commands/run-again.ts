import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { readOnnxFacts } from '../../adapters/model-runtime/onnx-wire.js';
import { inputsSha256 } from '../../adapters/prediction-log/inputs-sha256.js';
import { PortError } from '../../domain/failures.js';
import {
  compareRuns,
  fillBatch,
  type LoggedRequest,
  type RunResult,
} from '../../domain/logged-request.js';
import { cutRows } from '../../domain/tensor-rows.js';
import type { Contract } from '../../domain/manifest.js';
import type { OpenedModel, Tensor } from '../../domain/ports/model-runtime.js';
import type { Registry } from '../../domain/ports/registry.js';
import { answerErrorOf } from '../../serving/answer-error.js';
import { NO_BYTES } from '../../serving/infer-body.js';
import { parseInferRequest } from '../../serving/infer-request.js';
import { sortOut } from '../../serving/predictor-rows.js';
import { readRefusedRow, refusedRow } from '../../serving/refused-row.js';
import { VersionCache, type CachedVersion } from '../../serving/version-cache.js';

const LOAD_DEADLINE_MS = 60_000;
/** As the endpoint's. */
const INFER_TIMEOUT_MS = 10_000;

/** What padding to other widths and sums in another order move a number by at most, tens of thousands of different terms included. */
const LAST_BITS = 1e-4;
/** Of an int8 twin, whose activations have one scale a batch: other rows beside them moved 99 of 100 answers of MiniLM's by less. */
const SCALED_BITS = 0.1;

/** What came of a request that was run again. */
export interface RunAgain {
  readonly result: RunResult;
  /** Where the input came from: the log, or the caller, held against the log's digests. */
  readonly input: 'log' | 'given';
  /** Rows of the run that gave the logged bits, where it took as many as there were then; null: the request alone. */
  readonly batchRows: number | null;
  /** How far an answer may lie from the logged one since the runs of then are not known exactly; 0: they are. */
  readonly tolerance: number;
}

/**
 * Runs a logged request again, in a process of its own, on exactly the version that answered it.
 * @param given - `body`: the request's JSON, for where the log has no input; undefined: none is given; `folder`: for the version's files.
 * @throws PortError `UnknownVersion` or `DigestMismatch` of the version; `InvalidRequest` for another body than the logged one;
 *   what a version that does not open throws.
 */
export async function runAgain(
  registry: Pick<Registry, 'versionByDigest' | 'fetchVersion' | 'live'>,
  logged: LoggedRequest,
  given: { body: unknown; folder: string; memoryLimitBytes: number },
): Promise<RunAgain> {
  const cache = new VersionCache(registry, logged.model, given.folder);
  const version = await cache.fetch(logged.digest);
  const { manifest, directory } = version;
  const input = given.body === undefined ? 'log' : 'given';
  const inputs = inputsAgain(logged, manifest.contract, given.body);
  const asked = { input, batchRows: null, tolerance: 0 } as const;
  if ('kind' in inputs) return { ...asked, result: inputs };
  const artifact = await artifactOf(registry, logged, version);
  const { memoryLimitBytes } = given;
  const opened = await new ChildModelRuntime().open({
    ...{ directory, artifact, manifest, memoryLimitBytes },
    loadDeadlineMs: LOAD_DEADLINE_MS,
  });
  try {
    const alone = await runOnce(opened, inputs);
    if (compareRuns(logged, alone).kind !== 'other-outputs') return { ...asked, result: alone };
    const among = await runAmongOthers(opened, inputs, logged);
    if (among !== null) return { ...asked, result: among, batchRows: logged.batchRows };
    return { ...asked, result: alone, tolerance: await toleranceOf(logged, version, artifact) };
  } finally {
    await opened.close();
  }
}

/** As many rows as ran then, for that may decide in which order sums are made; null where the logged bits do not come of it. */
async function runAmongOthers(
  opened: OpenedModel,
  inputs: readonly Tensor[],
  logged: LoggedRequest,
): Promise<RunResult | null> {
  const { batchRows, rows } = logged;
  if (batchRows === null || batchRows <= rows) return null;
  const filled = await runOnce(opened, fillBatch(inputs, batchRows));
  if (filled.kind === 'failed') return null;
  const outputs = filled.outputs.map((output) => cutRows(output, 0, rows));
  const among: RunResult = { kind: 'answered', outputs };
  return compareRuns(logged, among).kind === 'same' ? among : null;
}

/** The log says how many rows ran together, not which: they count where they decide a width or a scale. Nor does it say how a request was cut. */
async function toleranceOf(
  { rows, batchRows }: LoggedRequest,
  { manifest, directory }: CachedVersion,
  artifact: string,
): Promise<number> {
  const { operators } = readOnnxFacts(await readFile(join(directory, artifact)));
  const isScaled = [...operators.values()].some(({ type }) => type === 'DynamicQuantizeLinear');
  const othersCount = isScaled || manifest.frontEnd !== null;
  const isKnown = batchRows === null ? rows === 1 : batchRows <= rows || !othersCount;
  if (isKnown) return 0;
  return isScaled ? SCALED_BITS : LAST_BITS;
}

async function runOnce(opened: OpenedModel, inputs: readonly Tensor[]): Promise<RunResult> {
  try {
    const { outputs } = await opened.infer(inputs, { timeoutMs: INFER_TIMEOUT_MS });
    return { kind: 'answered', outputs };
  } catch (error) {
    const { type, message } = answerErrorOf(error);
    if (type === 'Internal') throw error;
    return { kind: 'failed', type, message };
  }
}

/** The file that answered: as logged, else as `live.json` remembers it, else the only one that there is. */
async function artifactOf(
  registry: Pick<Registry, 'live'>,
  { artifact, model, digest }: LoggedRequest,
  { manifest: { artifacts } }: CachedVersion,
): Promise<string> {
  if (artifact !== null) return artifact;
  const live = await registry.live(model);
  const served = live?.state.served.find((each) => each.digest === digest)?.artifact;
  const [only, ...others] = artifacts;
  if (served !== undefined) return served;
  if (only !== undefined && others.length === 0) return only;
  throw new PortError(
    'InvalidRequest',
    `nothing says which of ${artifacts.join(', ')} answered: neither the log nor live.json names it`,
  );
}

/**
 * What was asked; of a row that was refused before the model, the refusal, where it still is one.
 * @throws PortError `InvalidRequest` where a given body is not what was asked, or there is neither it nor a logged input.
 */
function inputsAgain(
  logged: LoggedRequest,
  contract: Contract,
  body: unknown,
): readonly Tensor[] | Extract<RunResult, { kind: 'failed' }> {
  if (logged.error !== 'InvalidRow') {
    return body === undefined ? loggedInputs(logged) : sameInputs(logged, parsed(contract, body));
  }
  const row = body === undefined ? loggedInputs(logged) : sameInputs(logged, [refusedRow(body)]);
  const { good, refused } = sortOut([readRefusedRow(row)], contract);
  return refused[0] ? { kind: 'failed', ...refused[0].error } : (good[0]?.inputs ?? []);
}

function loggedInputs({ inputs }: LoggedRequest): readonly Tensor[] {
  if (inputs !== null) return inputs;
  throw new PortError('InvalidRequest', 'the log holds no input; give it');
}

/** Given inputs, held against the log's digest. */
function sameInputs(logged: LoggedRequest, inputs: readonly Tensor[]): readonly Tensor[] {
  const expected = logged.inputsSha256 ?? digestOf(logged.inputs ?? []);
  const actual = digestOf(inputs);
  if (actual === expected) return inputs;
  const rows = inputs[0]?.shape[0] ?? 0;
  const what =
    rows === logged.rows
      ? `it has the sha256 ${actual}, logged is ${expected}`
      : `it has ${rows} rows, logged are ${logged.rows}`;
  throw new PortError('InvalidRequest', `the given input is not what was asked: ${what}`);
}

function parsed(contract: Contract, body: unknown): readonly Tensor[] {
  try {
    return parseInferRequest({ json: body, binary: NO_BYTES }, contract).inputs;
  } catch (error) {
    throw new PortError('InvalidRequest', `the given input: ${answerErrorOf(error).message}`, {
      cause: error,
    });
  }
}

/** As the log makes it. */
function digestOf(inputs: readonly Tensor[]): string {
  return inputsSha256([...inputs].sort((one, other) => (one.name < other.name ? -1 : 1)));
}
