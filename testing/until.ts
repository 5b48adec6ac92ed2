import { setTimeout as pause } from 'node:timers/promises';

/** Polls until `look` gives a value other than undefined; no test sleeps for a fixed time. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined>,
  deadlineMs = 20_000,
): Promise<Value> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await pause(20);
  }
}
