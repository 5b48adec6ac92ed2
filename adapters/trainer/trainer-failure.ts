import { constants } from 'node:os';
import { PortError, type FailureType } from '../../domain/failures.js';
import type { TrainerEnd } from './trainer-process.js';

/** The kit's failure types (trainers/kit/switchyard_kit/failures.py) in the domain's words. */
const TYPES: ReadonlyMap<string, FailureType> = new Map([
  ['InvalidParameter', 'InvalidParameter'],
  ['NoRows', 'InvalidDataset'],
  ['OneClass', 'InvalidDataset'],
  ['MissingColumn', 'InvalidDataset'],
  ['InvalidRow', 'InvalidDataset'],
  ['NotConvertible', 'BadTrainerOutput'],
  ['UntrustedArtifact', 'BadTrainerOutput'],
  // Worker and kit are of one checkout: a kit that does not know our request was installed from another.
  ['InvalidRequest', 'SetUpMissing'],
]);

/** What went wrong with a process that ended otherwise than by exit code 0. */
export function failureOf(
  end: TrainerEnd,
  job: { trainer: string; deadlineMs: number; noProgressMs: number },
): PortError {
  const details = { trainer: job.trainer, stderr: end.stderr, stdout: end.stdout };
  if (end.stopped === 'deadline') {
    const sentence = `The trainer ${job.trainer} did not end within ${job.deadlineMs} ms and was ended.`;
    return new PortError('TrainerHung', sentence, { details });
  }
  if (end.stopped === 'no-progress') {
    const sentence = `The trainer ${job.trainer} reported nothing for ${job.noProgressMs} ms and was ended.`;
    return new PortError('TrainerHung', sentence, { details });
  }
  const { failure } = end;
  const type = failure && TYPES.get(failure.type);
  if (failure && type) {
    return new PortError(type, failure.message, { details: { ...details, reason: failure.type } });
  }
  if (/No module named '?switchyard_kit/.test(end.stderr)) {
    const sentence = `The Python of the trainer ${job.trainer} has no switchyard_kit; type: npx switchyard setup`;
    return new PortError('SetUpMissing', sentence, { details });
  }
  const signal = signalOf(end.exitCode);
  const why = failure?.message ?? lastLine(end.stderr);
  return new PortError(
    'TrainerCrashed',
    `The trainer ${job.trainer} ended with ${signal ?? `exit code ${String(end.exitCode)}`}${why && `: ${why}`}`,
    { details: { ...details, exitCode: end.exitCode, signal } },
  );
}

/** The launcher passes on a script's signal as 128 and its number. */
function signalOf(exitCode: number | null): string | null {
  const number = (exitCode ?? 0) - 128;
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? null;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
