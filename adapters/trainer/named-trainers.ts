import { once } from 'node:events';
import { PortError } from '../../domain/failures.js';
import type { ConvertJob, TrainJob, Trainer } from '../../domain/ports/trainer.js';
import { checkOutput } from './output-check.js';
import { REQUIRED_FILES } from './subprocess-trainer.js';

/**
 * Hands a job to the project's own trainer of that name, and every other job to `others`. An own trainer is held to its
 * deadline, to the signal and to the files that the job asks for, as one in a process of its own is.
 */
export function createNamedTrainers(
  own: Readonly<Record<string, Trainer>>,
  others: Trainer,
): Trainer {
  const ownOf = (name: string) => (Object.hasOwn(own, name) ? own[name] : undefined);
  return {
    identify: (name) => (ownOf(name) ?? others).identify(name),
    run: async (job, given) => {
      const trainer = ownOf(job.trainer);
      if (trainer === undefined) return others.run(job, given);
      const ended = new AbortController();
      const timeout = AbortSignal.timeout(job.deadlineMs);
      const signal = AbortSignal.any([given.signal, timeout]);
      try {
        const running = trainer.run(job, { ...given, signal });
        const result = await Promise.race([running, rejectWhenAborted(signal, ended.signal)]);
        return { ...result, files: await checkOutput(job.output, REQUIRED_FILES[job.command]) };
      } catch (error) {
        given.signal.throwIfAborted();
        throw timeout.aborted ? late(job) : error;
      } finally {
        ended.abort();
      }
    },
  };
}

/** Rejects with the signal's reason; settles in any case when `ended` aborts. */
async function rejectWhenAborted(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  await once(signal, 'abort', { signal: ended });
  throw signal.reason;
}

function late({ trainer, command, deadlineMs }: TrainJob | ConvertJob): PortError {
  return new PortError(
    'TrainerHung',
    `The trainer ${trainer} did not end its ${command} within ${deadlineMs} ms.`,
    { details: { trainer, command } },
  );
}
