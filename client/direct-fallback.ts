import { randomUUID } from 'node:crypto';
import { directGivenSchema, type DirectGiven } from '../domain/direct-order.js';
import { PortError } from '../domain/failures.js';
import { leavingOf, type LiveChangeResult } from '../domain/live-state.js';
import { digestSchema } from '../domain/names.js';
import type { Registry } from '../domain/ports/registry.js';

/** An order that needs no Temporal: `leaving` where it is left out is what is live, or what a fallback of a moment ago left. */
export interface DirectFallback extends DirectGiven {
  readonly leaving?: string;
  /** Signs the order to leave a digest (compact JWS), once it is known which; null: nobody does. */
  readonly sign?: (leaving: string) => Promise<string | null>;
}

/**
 * The emergency way back without Temporal: writes `live.json` by compare-and-set, past the model's `liveModel`, which adopts it
 * later and opens the follow-up. Two orders to leave the same version equal one, whichever way each was given.
 * @throws PortError `InvalidRequest` where nothing is live, `StoreUnreachable` (retryable) among others.
 * @example
 * await fallBackDirectly(registry, 'tickets', { by: 'grace@example.com', reason: 'wrong queues' });
 */
export async function fallBackDirectly(
  registry: Pick<Registry, 'live' | 'changeLive'>,
  model: string,
  { leaving: given, sign, ...order }: DirectFallback,
): Promise<LiveChangeResult> {
  const direct = directGivenSchema.safeParse(order);
  if (!direct.success) {
    throw new PortError('InvalidRequest', 'a direct fallback needs by and reason, of some words');
  }
  const reading = await registry.live(model);
  const leaving = given ?? (reading && leavingOf(reading.state, Date.now()));
  const parsed = digestSchema.safeParse(leaving);
  if (reading === null || !parsed.success) {
    const why =
      reading === null ? `there is no live.json of "${model}"` : `nothing of "${model}" is live`;
    throw new PortError(
      'InvalidRequest',
      given === undefined || reading === null
        ? `${why}, so there is nothing to leave`
        : `"${given}" is no digest`,
    );
  }
  const signature = sign === undefined ? null : await sign(parsed.data);
  const signed = { ...direct.data, ...(signature !== null && { signature }) };
  const change = { kind: 'fallback', leaving: parsed.data, direct: signed } as const;
  const answer = await registry.changeLive(model, change, `direct/${randomUUID()}`);
  const { kind, generation, live } = answer;
  return { kind, generation, live };
}
