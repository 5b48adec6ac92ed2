import type { Tensor, TensorData } from './ports/model-runtime.js';
import type { RuntimeFacts } from './runtime-facts.js';

/** One request as the prediction log has it, all rows of it together. */
export interface LoggedRequest {
  readonly model: string;
  readonly requestId: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly version: number;
  readonly digest: string;
  /** The version's file that answered; null where the log does not say. */
  readonly artifact: string | null;
  readonly runtime: RuntimeFacts;
  readonly rows: number;
  /** Rows of the run that answered it, those of other requests included; null where it took several runs, failed, or the log does not say. */
  readonly batchRows: number | null;
  readonly latencyMs: number;
  /** The failure's type, or null. */
  readonly error: string | null;
  /** Null where the log holds digests only. */
  readonly inputs: readonly Tensor[] | null;
  /** Of all rows; null where the log holds the inputs. */
  readonly inputsSha256: string | null;
  /** Empty where the request failed. */
  readonly outputs: readonly Tensor[];
}

/** What a run gave: outputs, or a failure's type. */
export type RunResult =
  | { readonly kind: 'answered'; readonly outputs: readonly Tensor[] }
  | { readonly kind: 'failed'; readonly type: string; readonly message: string };

/** How an output differs from the logged one. */
export interface OutputDifference {
  readonly output: string;
  /** Values that differ, of how many; null where the shapes do. */
  readonly values: number | null;
  readonly of: number;
  /** The largest difference of two numbers; null where there are none. */
  readonly largest: number | null;
  /** The first that differs: its row, and both values as text. */
  readonly first: { readonly row: number; readonly then: string; readonly now: string } | null;
}

/** What a run that was done again comes to. */
export type Reproduction =
  | { readonly kind: 'same' }
  /** Numbers alone differ, and by no more than they may. */
  | {
      readonly kind: 'close';
      readonly tolerance: number;
      readonly differences: readonly OutputDifference[];
    }
  | { readonly kind: 'other-outputs'; readonly differences: readonly OutputDifference[] }
  | { readonly kind: 'other-end'; readonly then: string; readonly now: string };

/**
 * Compares a run with the logged one: outputs bit for bit, failures by their type.
 * @param tolerance - How far a 32-bit number may lie from the logged one and be close: at most so far, or so many times a logged one over 1.
 */
export function compareRuns(logged: LoggedRequest, now: RunResult, tolerance = 0): Reproduction {
  const then = logged.error ?? 'an answer';
  const end = now.kind === 'failed' ? now.type : 'an answer';
  if (then !== end) return { kind: 'other-end', then, now: end };
  if (now.kind === 'failed') return { kind: 'same' };
  const names = new Set([...logged.outputs, ...now.outputs].map(({ name }) => name));
  const differences = [...names].flatMap((name) => {
    const found = differenceOf(name, named(logged.outputs, name), named(now.outputs, name));
    return found === null ? [] : [found];
  });
  if (differences.length === 0) return { kind: 'same' };
  const areClose =
    tolerance > 0 &&
    differences.every(
      ({ output, values }) =>
        values !== null &&
        isClose(named(logged.outputs, output), named(now.outputs, output), tolerance),
    );
  return areClose
    ? { kind: 'close', tolerance, differences }
    : { kind: 'other-outputs', differences };
}

/** Of tensors of one shape. */
function isClose(then: Tensor | undefined, now: Tensor | undefined, tolerance: number): boolean {
  const [logged, again] = [then?.data, now?.data];
  if (!(logged instanceof Float32Array) || !(again instanceof Float32Array)) return false;
  return logged.every((value, index) => {
    const other = again[index] ?? Number.NaN;
    const may = tolerance * Math.max(1, Math.abs(value));
    return Object.is(value, other) || Math.abs(value - other) <= may;
  });
}

const named = (tensors: readonly Tensor[], name: string) =>
  tensors.find((tensor) => tensor.name === name);

function differenceOf(
  output: string,
  then: Tensor | undefined,
  now: Tensor | undefined,
): OutputDifference | null {
  const length = then?.data.length ?? now?.data.length ?? 0;
  const isComparable = then?.datatype === now?.datatype && then?.shape.join() === now?.shape.join();
  if (then === undefined || now === undefined || !isComparable) {
    return { output, values: null, of: length, largest: null, first: null };
  }
  const rows = then.shape[0] ?? 1;
  const found = { values: 0, largest: Number.NEGATIVE_INFINITY };
  let first: OutputDifference['first'] = null;
  for (let index = 0; index < length; index++) {
    const [one, other] = [then.data[index], now.data[index]];
    if (Object.is(one, other)) continue;
    found.values += 1;
    found.largest = Math.max(found.largest, distance(one, other));
    const row = Math.floor((index * rows) / length);
    first ??= { row, then: textOf(one), now: textOf(other) };
  }
  if (found.values === 0) return null;
  const largest = Number.isFinite(found.largest) ? found.largest : null;
  return { output, values: found.values, of: length, largest, first };
}

type Value = TensorData[number] | undefined;

function distance(one: Value, other: Value): number {
  if (typeof one === 'number' && typeof other === 'number') return Math.abs(one - other);
  if (typeof one === 'bigint' && typeof other === 'bigint') return Math.abs(Number(one - other));
  return Number.NEGATIVE_INFINITY;
}

/** With the sign of a zero, which is a bit too. */
const textOf = (value: Value) => (Object.is(value, -0) ? '-0' : String(value));

/** The same rows again and again until there are as many as given, as when others were in the batch. */
export function fillBatch(inputs: readonly Tensor[], rows: number): readonly Tensor[] {
  return inputs.map((tensor) => {
    const own = tensor.shape[0] ?? 1;
    const width = tensor.data.length / own;
    const order = Array.from({ length: rows * width }, (_, index) => index % (own * width));
    return {
      ...tensor,
      shape: [rows, ...tensor.shape.slice(1)],
      data: picked(tensor.data, order),
    };
  });
}

function picked(data: TensorData, order: readonly number[]): TensorData {
  if (data instanceof Float32Array) return Float32Array.from(order, (index) => data[index] ?? 0);
  if (data instanceof Int32Array) return Int32Array.from(order, (index) => data[index] ?? 0);
  if (data instanceof BigInt64Array) {
    return BigInt64Array.from(order, (index) => data[index] ?? 0n);
  }
  return order.map((index) => data[index] ?? '');
}
