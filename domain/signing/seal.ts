import { digestOfJson } from '../digest.js';
import type { LiveState } from '../live-state.js';
import { digestSchema, nameSchema } from '../names.js';
import { z } from 'zod';
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

/** Signs a state; resolves to a compact JWS. */
export type Seal = (state: LiveState) => Promise<string>;

/** What is sealed of a state. */
export function digestToSeal(state: LiveState): string {
  return digestOfJson({ ...state, seal: null });
}

/**
 * Whether a state is as somebody wrote it who may: a witness, which is a worker's key; or, where it is a fallback that was ordered past
 * `liveModel`, a person. Null where it is, or the trust file names no witness, so that nothing is sealed.
 */
export function sealFault(state: LiveState, trust: Trust): Refusal | null {
  if (trust.witnesses.length === 0) return null;
  if (state.seal === null) {
    return refusalBecause('unsigned', `generation ${state.generation} has no seal of a witness`);
  }
  const isDirect = state.direct.some(({ generation }) => generation === state.generation);
  const verified = verifyStatement(
    state.seal,
    { typ: SEAL_TYPE, schema: sealStatementSchema },
    {
      environment: trust.environment,
      keys: [...witnessesOf(trust), ...(isDirect ? keysOf(trust) : [])],
      acceptedMs: Date.parse(state.updatedAt),
      mayBeLate: true,
    },
  );
  if (!isVerified(verified)) return verified;
  const { model, generation, state: sealed } = verified.statement;
  if (model !== state.model) return refusalBecause('wrong-model', `it seals "${model}"`);
  if (generation !== state.generation || sealed !== digestToSeal(state)) {
    return refusalBecause('altered', `generation ${state.generation} was changed after its seal`);
  }
  return null;
}

/** The keys that seal, as keys of somebody without a role. */
export function witnessesOf({ witnesses }: Trust): readonly KnownKey[] {
  return witnesses.map(({ witness, ...key }) => ({ ...key, person: witness, roles: [] }));
}
