import { PortError } from './failures.js';
import type { Tensor } from './ports/model-runtime.js';

/** Answers to rows, as flat arrays: row i's probability of label k is `probabilities[i * labels.length + k]`. */
export interface Predictions {
  readonly labels: readonly string[];
  readonly probabilities: Float64Array;
  /** Index into `labels` of each row's most probable label. */
  readonly predicted: Int32Array;
}

/** Reads an answer's `probabilities` tensor. @throws PortError `ContractMismatch` where it is not there or of another size. */
export function predictionsOf(outputs: readonly Tensor[], labels: readonly string[]): Predictions {
  const tensor = outputs.find(({ name }) => name === 'probabilities');
  if (!(tensor?.data instanceof Float32Array)) {
    throw new PortError('ContractMismatch', 'the model answers no FP32 tensor "probabilities"');
  }
  return fromProbabilities(Float64Array.from(tensor.data), labels);
}

/** @throws PortError `ContractMismatch` where the length is no multiple of the number of labels. */
export function fromProbabilities(
  probabilities: Float64Array,
  labels: readonly string[],
): Predictions {
  const width = labels.length;
  if (probabilities.length % width !== 0) {
    throw new PortError(
      'ContractMismatch',
      `${probabilities.length} probabilities are no whole rows of ${width} labels`,
    );
  }
  const rows = probabilities.length / width;
  const predicted = new Int32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    predicted[row] = indexOfLargest(probabilities.subarray(row * width, (row + 1) * width));
  }
  return { labels, probabilities, predicted };
}

function indexOfLargest(values: Float64Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) {
    if ((values[index] ?? 0) > (values[best] ?? 0)) best = index;
  }
  return best;
}

/** What a row was given: label and its probability. */
export function answerOf(
  predictions: Predictions,
  row: number,
): { label: string; probability: number } {
  const index = predictions.predicted[row] ?? 0;
  return {
    label: predictions.labels[index] ?? '',
    probability: predictions.probabilities[row * predictions.labels.length + index] ?? Number.NaN,
  };
}
