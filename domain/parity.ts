import type { ParityReport } from './evidence.js';
import type { ParityLine } from './conversion.js';
import { shownInput } from './shown-input.js';
import { answerOf, type Predictions } from './predictions.js';

/**
 * Compares the ONNX version's answers with the source framework's, row by row. Passed: every label equal and no
 * probability further apart than the limit. NaN anywhere is a miss.
 */
export function compareParity(given: {
  model: string;
  rows: readonly { id: string; text: string }[];
  source: readonly ParityLine[];
  answers: Predictions;
  limit: number;
}): ParityReport {
  const { rows, source, answers, limit } = given;
  const width = answers.labels.length;
  let largest = 0;
  let flips = 0;
  const inputs: ParityReport['inputs'] = [];
  for (const [row, line] of source.entries()) {
    const answered = answers.probabilities.subarray(row * width, (row + 1) * width);
    const difference = largestDifference(line.probabilities, answered);
    const { label } = answerOf(answers, row);
    const flipped = label !== line.label;
    largest = Math.max(largest, difference);
    if (flipped) flips += 1;
    if ((flipped || !(difference <= limit)) && inputs.length < 20) {
      inputs.push(
        shownInput(
          { id: line.id, text: rows[row]?.text ?? '' },
          `source "${line.label}", ONNX "${label}", probabilities differ by ${difference.toExponential(1)}`,
        ),
      );
    }
  }
  const complete =
    source.length === rows.length && source.every((line, row) => line.id === rows[row]?.id);
  return {
    schemaVersion: 1,
    model: given.model,
    rows: source.length,
    labelFlips: flips,
    maxProbabilityDifference: largest,
    limit,
    passed: complete && flips === 0 && largest <= limit,
    inputs,
  };
}

/** Largest absolute difference; 1 where lengths differ or a value is no number, so that it never passes. */
function largestDifference(source: readonly number[], answered: Float64Array): number {
  if (source.length !== answered.length) return 1;
  let largest = 0;
  for (const [index, value] of source.entries()) {
    const difference = Math.abs(value - (answered[index] ?? Number.NaN));
    if (Number.isNaN(difference)) return 1;
    largest = Math.max(largest, difference);
  }
  return largest;
}
