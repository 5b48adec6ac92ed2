import { setTimeout as pause } from 'node:timers/promises';

/** One thing that a process needs to work. */
export interface Need {
  /** In words, such as `the bucket`. */
  readonly what: string;
  /** Resolves where it is there; rejects, or takes too long, where it is not. */
  readonly check: () => Promise<unknown>;
}

/** Longer than this, and the answer is no. */
const PATIENCE_MS = 3_000;

/** Null where everything is there; else one sentence with all that is missing. */
export async function whatIsMissing(needs: readonly Need[]): Promise<string | null> {
  const problems = await Promise.all(
    needs.map(async ({ what, check }) => {
      const patience = new AbortController();
      const late = pause(PATIENCE_MS, undefined, { signal: patience.signal }).then(() => {
        throw new Error(`no answer within ${PATIENCE_MS / 1_000} s`);
      });
      try {
        await Promise.race([check(), late]);
        return [];
      } catch (error) {
        return [`${what}: ${error instanceof Error ? error.message : String(error)}`];
      } finally {
        patience.abort();
        late.catch(() => undefined); // aborted above: nobody waits for it
      }
    }),
  );
  const found = problems.flat();
  return found.length === 0 ? null : `not ready: ${found.join('; ')}`;
}
