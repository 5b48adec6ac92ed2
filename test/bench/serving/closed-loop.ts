import { setTimeout as pause } from 'node:timers/promises';
import type { InferBody } from './infer-body.js';
import { KeepAlive, postOk } from './keep-alive.js';

/** Before it, queues fill. */
const WARM_UP_MS = 1_000;
const REFUSED_PAUSE_MS = 20;

/**
 * Requests a second of so many clients, each asking again as soon as it is answered; for models whose answers take so long that
 * those under way at either end would count. It counts from one answer to another, after a second; 0 where there were none. Who is
 * told that too many wait asks again a little later, where `mayRefuse` says so.
 */
export async function closedLoop(given: {
  readonly url: string;
  readonly body: InferBody;
  readonly clients: number;
  readonly forMs: number;
  readonly mayRefuse?: boolean;
  /** When others were answered by the same endpoint: it worked for them too. */
  readonly others?: readonly number[];
}): Promise<number> {
  const { url, body, clients, forMs, mayRefuse = false, others = [] } = given;
  const answeredMs: number[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + WARM_UP_MS + forMs;
  const ask = async () => {
    using connection = await KeepAlive.open(url);
    while (performance.now() < endMs) {
      const answer = mayRefuse
        ? await connection.post(url, body)
        : await postOk(connection, url, body);
      if (answer.status === 200) answeredMs.push(performance.now());
      else await pause(REFUSED_PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: clients }, ask));
  const all = [...answeredMs, ...others].sort((left, right) => left - right);
  return rateOf(all, startedMs + WARM_UP_MS, endMs) || 0;
}

/** Answers a second between two moments, counted from the last answer before the first of them to the last one within. */
export function rateOf(answeredMs: readonly number[], fromMs: number, untilMs: number): number {
  const counted = answeredMs.filter((ms) => ms >= fromMs && ms <= untilMs);
  const before = answeredMs.filter((ms) => ms < fromMs).at(-1) ?? Number.NaN;
  return counted.length / (((counted.at(-1) ?? Number.NaN) - before) / 1_000);
}
