import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { CompactSign } from 'jose';
import { z } from 'zod';
import { decisionSchema, type Decision } from '../../domain/decision.js';
import { canonicalJson } from '../../domain/digest.js';
import type { Evidence } from '../../domain/evidence.js';
import { PortError } from '../../domain/failures.js';
import type { LiveState } from '../../domain/live-state.js';
import type { LifecycleRequest, ToSign } from '../../domain/lifecycle.js';
import { nameSchema, shortDigest } from '../../domain/names.js';
import { ALGORITHM, keyIdOf, keyIdSchema, publicKeySchema } from '../../domain/signing/jws.js';
import {
  DECISION_TYPE,
  START_TYPE,
  type DecisionStatement,
  type StartStatement,
} from '../../domain/signing/statement.js';
import { LINE_TYPE, type LineStatement, type LineToSeal } from '../../domain/signing/line-seal.js';
import { ORDER_TYPE, type Ordered, type OrderStatement } from '../../domain/signing/order.js';
import { digestToSeal, SEAL_TYPE, type SealStatement } from '../../domain/signing/seal.js';
import { digestOfRequest, unsigned } from '../../domain/signing/verify-start.js';
import { personSchema } from '../../domain/signing/trust.js';

/** How long a statement is accepted after it was signed; long enough to paste it. */
const VALID_S = 3_600;

/** A person's private key: for one installation alone, so that nothing signed in one is worth anything in another. */
export const signingKeySchema = z.strictObject({
  schemaVersion: z.literal(1),
  person: personSchema,
  environment: nameSchema,
  kid: keyIdSchema,
  x: publicKeySchema,
  /** The private key's 32 bytes in base64url; it never leaves its file. */
  d: publicKeySchema,
});
export type SigningKey = z.infer<typeof signingKeySchema>;

/** What others may know of a key: what the trust file is made of. */
export const publicKeyFileSchema = signingKeySchema.omit({ d: true });
export type PublicKey = z.infer<typeof publicKeyFileSchema>;

/**
 * Makes a key for somebody, by OpenSSL's random numbers.
 * @throws PortError `InvalidRequest` where person or installation are no names.
 */
export function newSigningKey(person: string, environment: string): SigningKey {
  const key = { schemaVersion: 1, person, environment, ...newPair() };
  const parsed = signingKeySchema.safeParse(key);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new PortError('InvalidRequest', `no such key can be made: ${problems.join('; ')}`);
}

/** A key pair whose id can be typed as a word: one that begins with a dash would be taken for an option. */
function newPair() {
  for (;;) {
    const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    const kid = keyIdOf(x ?? '');
    if (!kid.startsWith('-')) return { kid, x, d };
  }
}

/** The same without what is secret. */
export function publicKeyOf({ schemaVersion, person, environment, kid, x }: SigningKey): PublicKey {
  return { schemaVersion, person, environment, kid, x };
}

/**
 * Signs an answer to a hand-off: the decision as `Switchyard.decide` takes it.
 * @param about - `toSign` of the lifecycle's status, read together with the evidence that it names.
 * @throws PortError `InvalidRequest` where the lifecycle is of another installation than the key.
 */
export async function signDecision(
  key: SigningKey,
  about: ToSign,
  answer: { role: string; decision: Decision['decision']; reason: string },
  now = new Date(),
): Promise<Decision> {
  const { environment, ...scope } = about;
  if (environment !== key.environment) {
    throw new PortError(
      'InvalidRequest',
      `the key of ${key.person} is for "${key.environment}", this lifecycle is of "${environment}": sign nothing that another installation could use`,
    );
  }
  const statement: DecisionStatement = {
    ...scope,
    ...{ aud: environment, sub: key.person, gate: answer.role },
    ...{ decision: answer.decision, reason: answer.reason.trim() },
    ...timesOf(now),
  };
  return decisionSchema.parse({
    ...{ role: answer.role, decision: answer.decision, by: key.person },
    ...{ reason: statement.reason, evidence: about.evidence },
    signature: await sign(key, DECISION_TYPE, statement),
  });
}

/**
 * Signs the start of a lifecycle under a workflow id: the request as `Switchyard.start` takes it, with that id.
 * @param request - `startedBy` becomes the key's person.
 */
export async function signStart(
  key: SigningKey,
  workflowId: string,
  request: LifecycleRequest,
  now = new Date(),
): Promise<LifecycleRequest> {
  const signed = { ...unsigned(request), startedBy: key.person };
  const statement: StartStatement = {
    ...{ aud: key.environment, sub: key.person, wid: workflowId, model: request.model },
    ...{ request: digestOfRequest(signed), ...timesOf(now) },
  };
  return { ...signed, signature: await sign(key, START_TYPE, statement) };
}

/**
 * Signs an order: what `Switchyard.fallback` and `closeFollowUp` take as its `signature`. It is accepted for an hour.
 * @throws PortError `InvalidRequest` where it is by somebody else than the key's person.
 */
export async function signOrder(
  key: SigningKey,
  ordered: Omit<Ordered, 'signature'>,
  now = new Date(),
): Promise<string> {
  const { by, ...about } = ordered;
  if (by !== key.person) {
    throw new PortError(
      'InvalidRequest',
      `the order is by ${by}, the key is ${key.person}'s: nobody signs for another`,
    );
  }
  const statement: OrderStatement = {
    ...{ aud: key.environment, sub: key.person, ...timesOf(now) },
    ...about,
  };
  return sign(key, ORDER_TYPE, statement);
}

/** Signs what `live.json` is written to be. */
export function sealWith(key: SigningKey, state: LiveState): Promise<string> {
  const statement: SealStatement = {
    ...sealedAt(key, state.updatedAt),
    ...{ model: state.model, generation: state.generation, state: digestToSeal(state) },
  };
  return sign(key, SEAL_TYPE, statement);
}

/** Signs a line of a journal. */
export function sealLineWith(key: SigningKey, line: LineToSeal): Promise<string> {
  const { at, ...sealed } = line;
  const statement: LineStatement = { ...sealedAt(key, at), ...sealed };
  return sign(key, LINE_TYPE, statement);
}

/** A seal is of one moment: it is written at once, or never. */
function sealedAt(key: SigningKey, at: string) {
  const iat = Math.floor(Date.parse(at) / 1_000);
  return {
    ...{ aud: key.environment, sub: key.person },
    ...{ ...timesOf(new Date(iat * 1_000)), exp: iat },
  };
}

function timesOf(now: Date): Pick<StartStatement, 'iat' | 'exp' | 'jti'> {
  const iat = Math.floor(now.getTime() / 1_000);
  return { iat, exp: iat + VALID_S, jti: randomBytes(16).toString('base64url') };
}

/** A compact JWS over canonical JSON. */
async function sign(key: SigningKey, typ: string, statement: object): Promise<string> {
  const { kid, x, d } = key;
  const jwk = { kty: 'OKP', crv: ALGORITHM, x, d };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  if (createPublicKey(privateKey).export({ format: 'jwk' }).x !== x || keyIdOf(x) !== kid) {
    throw new PortError('InvalidRequest', `the key ${kid} is not whole: make another one`);
  }
  return new CompactSign(Buffer.from(canonicalJson(statement)))
    .setProtectedHeader({ alg: ALGORITHM, kid, typ })
    .sign(privateKey);
}

/**
 * Whether what is to be signed is about the evidence that it names, by the evidence's own bytes: whoever answers in a lifecycle's place
 * could ask for a signature on one file and show another.
 * @param evidence - As the bucket has it under the digest that is to be signed; null: it has none.
 * @throws PortError `InvalidRequest`.
 */
export function requireEvidence(about: ToSign, evidence: Evidence | null): void {
  const refuse = (why: string) =>
    new PortError('InvalidRequest', `${about.wid}: ${why}: sign nothing, and find out who answers`);
  if (evidence === null) {
    throw refuse(`the bucket has no evidence ${shortDigest(about.evidence)} of this candidate`);
  }
  const { model, lifecycle, manifest, artifact, baseline, nonce } = evidence;
  const read = { model, run: lifecycle, manifest, artifact, baseline, nonce };
  const names = ['model', 'run', 'manifest', 'artifact', 'baseline', 'nonce'] as const;
  const other = names.find((name) => read[name] !== about[name]);
  if (other !== undefined) throw refuse(`its evidence says another ${other} than is to be signed`);
}

/**
 * Whether what a lifecycle asks to have signed is about that very lifecycle and the evidence that was read: whoever answers in its place
 * could ask for a signature on another.
 * @throws PortError `InvalidRequest`.
 */
export function requireAbout(about: ToSign, workflowId: string, evidence: string): void {
  if (about.wid === workflowId && about.evidence === evidence) return;
  throw new PortError(
    'InvalidRequest',
    `${workflowId} asks for a signature on evidence ${shortDigest(about.evidence)} of ${about.wid}, not on ${shortDigest(evidence)} of its own: sign nothing, and find out who answers`,
  );
}
