import { z } from 'zod';
import { canonicalJson, digestOfJson } from '../digest.js';
import type { LiveState } from '../live-state.js';
import { stepLive } from '../live-step.js';
import { digestSchema, nameSchema, shortDigest } from '../names.js';
import { refusalBecause, type Refusal } from './refusal.js';
import { commonStatement } from './statement.js';
import { keysOf, type KnownKey, type Trust } from './trust.js';
import { isVerified, verifyStatement } from './verify-statement.js';

/** The `typ` of a seal's header. */
export const SEAL_TYPE = 'switchyard-seal+jws';

export const sealStatementSchema = z.strictObject({
  ...commonStatement,
  model: nameSchema,
  generation: z.int().min(1),
  /** Digest of the state's canonical JSON, without its seal. */
  state: digestSchema,
});
/** What whoever writes `live.json` signs of it. */
export type SealStatement = z.infer<typeof sealStatementSchema>;

/** What is sealed of a state, as it is stored: a field that another build wrote, or did not know, is part of it as well. */
export function digestToSeal(stored: object): string {
  return digestOfJson({ ...stored, seal: null });
}

/** A state, and the digest of what its writer seals of it. */
export interface Sealed {
  readonly state: LiveState;
  /** `digestToSeal` of it as it is stored. */
  readonly toSeal: string;
}

/** By whose key a state is sealed; a person's is worth something on one kind of state only. */
export interface SealedBy {
  readonly person: string | null;
}

/**
 * Who sealed a state: a witness, which is a worker's key, or a person; or why that says nothing.
 * @param given - `isNewest`: nothing vouches for its dates but itself, so a key that others may have counts for nothing, whenever it is
 *   said to have sealed.
 */
export function sealOf(
  { state, toSeal }: Sealed,
  trust: Trust,
  { isNewest }: { readonly isNewest: boolean },
): SealedBy | Refusal {
  if (state.seal === null) {
    return refusalBecause('unsigned', `generation ${state.generation} has no seal of a witness`);
  }
  const isSafe = ({ compromised }: KnownKey) => !isNewest || compromised === undefined;
  const isCurrent = ({ retired }: KnownKey) => !isNewest || retired === undefined;
  const witnesses = witnessesOf(trust).filter(isSafe);
  const people = keysOf(trust).filter((key) => isSafe(key) && isCurrent(key));
  const given = { environment: trust.environment, acceptedMs: Date.parse(state.updatedAt) };
  const verified = verifyStatement(
    state.seal,
    { typ: SEAL_TYPE, schema: sealStatementSchema },
    { ...given, keys: [...witnesses, ...people], mayBeLate: true },
  );
  if (!isVerified(verified)) return verified;
  const { statement, key } = verified;
  if (statement.model !== state.model) {
    return refusalBecause('wrong-model', `it seals "${statement.model}"`);
  }
  if (statement.generation !== state.generation || statement.state !== toSeal) {
    return refusalBecause('altered', `generation ${state.generation} was changed after its seal`);
  }
  const isWitness = witnesses.some(({ kid }) => kid === key.kid);
  return { person: isWitness ? null : key.person };
}

/** Whether a state that a person sealed is the fallback that this person ordered past `liveModel`, and nothing else; null where it is. */
export function directFault(before: LiveState, after: LiveState, person: string): string | null {
  const order = after.direct.at(-1);
  const refuse = `a person's seal is for a fallback of that person alone, generation ${after.generation} is another change`;
  if (order?.generation !== after.generation || order.by !== person) return refuse;
  const { by, reason, leaving } = order;
  const { model, writeId, updatedAt: now } = after;
  const signature = after.made?.signature;
  const direct = { by, reason, ...(signature !== undefined && { signature }) };
  const change = { kind: 'fallback', leaving, direct } as const;
  const { next } = stepLive(before, change, { model, writeId, now });
  const { audit, seal } = after;
  return next !== null && canonicalJson({ ...next, audit, seal }) === canonicalJson(after)
    ? null
    : refuse;
}

/** Fallbacks past `liveModel`, one after the other, that are followed without a worker's seal between them. */
const MOST_DIRECT = 10;

/**
 * Why nobody should follow what `live.json` says, or build on it: no witness sealed it, and no person who fell back from what one did. Null
 * where nothing is wrong, or the trust file names no witness.
 * @param before - The state that a state names as the one before it, from the audit chain; null where that is not there.
 */
export async function sealFault(
  reading: Sealed,
  trust: Trust,
  before: (state: LiveState) => Promise<Sealed | null>,
): Promise<string | null> {
  if (trust.witnesses.length === 0) return null;
  let sealed = reading;
  for (let direct = 0; direct <= MOST_DIRECT; direct += 1) {
    const by = sealOf(sealed, trust, { isNewest: direct === 0 });
    if ('code' in by) return by.sentence;
    if (by.person === null) return null;
    const previous = await before(sealed.state);
    if (previous === null) {
      return `what a person fell back from is not in the audit chain: generation ${sealed.state.generation - 1}`;
    }
    const fault = directFault(previous.state, sealed.state, by.person);
    if (fault !== null) return fault;
    sealed = previous;
  }
  return `over ${MOST_DIRECT} fallbacks were ordered past liveModel: let a worker write once`;
}

/** What a newer state must still know; null where it does. */
export function forgottenBy(before: Pick<LiveState, 'withdrawn'>, after: LiveState): string | null {
  const back = before.withdrawn.find((digest) => !after.withdrawn.includes(digest));
  return back === undefined
    ? null
    : `does not know any more that ${shortDigest(back)} was withdrawn`;
}

/** The keys that seal, as keys of somebody without a role. */
export function witnessesOf({ witnesses }: Trust): readonly KnownKey[] {
  return witnesses.map(({ witness, ...key }) => ({ ...key, person: witness, roles: [] }));
}
