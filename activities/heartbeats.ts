import { Context } from '@temporalio/activity';

const BEAT_EVERY_MS = 500;

/**
 * Runs work while telling Temporal twice a second that this attempt lives, with the last progress that was reported.
 * A heartbeat is also how a cancellation reaches the attempt: it aborts `signal`.
 */
export async function withHeartbeats<Result>(
  work: (given: { signal: AbortSignal; progress: (detail: unknown) => void }) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  let detail: unknown = null;
  const timer = setInterval(() => context.heartbeat(detail), BEAT_EVERY_MS);
  try {
    return await work({
      signal: context.cancellationSignal,
      progress: (next) => {
        detail = next;
        context.heartbeat(next);
      },
    });
  } finally {
    clearInterval(timer);
  }
}
