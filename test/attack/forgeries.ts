import { newSigningKey, type SigningKey } from '../../client/signing/signing-key.js';
import type { ToSign } from '../../domain/lifecycle.js';
import type { ApprovalPolicy } from '../../domain/signing/policy.js';
import type { RefusalCode } from '../../domain/signing/refusal.js';
import type { DecisionStatement } from '../../domain/signing/statement.js';
import {
  withDelegation,
  withKey,
  withRetired,
  withRevoked,
} from '../../domain/signing/trust-edits.js';
import { aDigest } from '../../testing/builders.js';
import { ENVIRONMENT, signersOf } from '../support/signers.js';
import { encoded, forge, hmacOf, signatureOf, statementOf, type Forged } from './forge.js';

const PEOPLE = {
  ada: ['data-science', 'engineering'],
  grace: ['data-science'],
  mary: ['data-science'],
  joan: ['engineering'],
  sam: ['sales'],
  rita: ['data-science'],
  vera: ['data-science'],
  lena: ['lead'],
  otto: ['on-call'],
  omar: ['on-call'],
  dora: ['sales'],
  eve: [],
} as const;

/**
 * Whom the attacked installation trusts: Rita's key is retired, Vera's revoked, Eve is nobody; Ada has a second key. Dora decided for Ada
 * until a minute ago.
 */
export function attackedTrust() {
  const { keys, trust } = signersOf(PEOPLE);
  const second = newSigningKey(keys.ada.person, ENVIRONMENT);
  const past = new Date(Date.now() - 60_000).toISOString();
  const both = withKey(trust, second, []);
  const retired = withRetired(both, keys.rita.kid, past);
  const revoked = withRevoked(retired, keys.vera.kid, past);
  const times = { from: '2026-01-01T00:00:00Z', until: past };
  const delegation = { role: 'data-science', by: keys.ada.person, ...times };
  const trusted = withDelegation(revoked, keys.dora.person, delegation);
  return { keys: { ...keys, second }, trust: trusted };
}
export type Keys = ReturnType<typeof attackedTrust>['keys'];

/** Two people of whom nobody else is, in an emergency. */
export const GLASS = { role: 'on-call', quorum: 2 } as const;

/** Two data scientists, neither of whom started it, and an engineer who is not one of them. Mary starts it. */
export const HAND_OFFS: ApprovalPolicy['handOffs'] = [
  { role: 'data-science', quorum: 2, distinctFrom: ['starter'], escalation: 'lead' },
  { role: 'engineering', quorum: 1, distinctFrom: ['data-science'] },
];

/** What is known to an attacker: every key but the private ones of others, and what a lifecycle shows. */
export interface Attacked {
  readonly keys: Keys;
  readonly about: ToSign;
  /** What another lifecycle, which waits too, is about. */
  readonly other: ToSign;
}

/** What a decision must not be. `signed`: the message repeats it. */
export interface Forgery {
  readonly name: string;
  readonly code: RefusalCode | 'InvalidRequest';
  readonly make: (attacked: Attacked) => unknown;
}

/** The message of an honest decision by a key. */
export function honest(
  key: SigningKey,
  about: ToSign,
  { role = 'data-science', statement = {}, forged = {} }: Made = {},
) {
  const said = statementOf(key, about, { gate: role, ...statement });
  return {
    ...{ role: said.gate, decision: said.decision, by: said.sub, reason: said.reason },
    evidence: said.evidence,
    signature: forge(key, said, forged),
  };
}

interface Made {
  readonly role?: string;
  readonly statement?: Partial<DecisionStatement>;
  readonly forged?: Forged;
}

/** By Ada, with something of it changed. */
const byAda =
  (made: Made, message: object = {}) =>
  ({ keys, about }: Attacked) => ({ ...honest(keys.ada, about, made), ...message });
const by =
  (name: keyof Keys, made: Made = {}) =>
  ({ keys, about }: Attacked) =>
    honest(keys[name], about, made);
const says = (statement: Partial<DecisionStatement>, message: object = {}) =>
  byAda({ statement }, message);
const header = (fields: Readonly<Record<string, unknown>>) => byAda({ forged: { header: fields } });
const text = (change: (canonical: string) => string) => byAda({ forged: { text: change } });
const parts = (change: (parts: readonly string[]) => readonly string[]) =>
  byAda({ forged: { parts: change } });

const seconds = () => Math.floor(Date.now() / 1_000);
const DAY_S = 86_400;
const CYRILLIC_A = '\u0430';

const wrongForm: readonly Forgery[] = [
  { name: 'no signature', code: 'unsigned', make: byAda({}, { signature: null }) },
  { name: 'an empty signature', code: 'malformed', make: byAda({}, { signature: '' }) },
  { name: 'a word for a signature', code: 'malformed', make: byAda({}, { signature: 'approved' }) },
  { name: 'four parts', code: 'malformed', make: parts((three) => [...three, 'x']) },
  { name: 'two parts', code: 'malformed', make: parts((three) => three.slice(0, 2)) },
  {
    name: 'alg none, without a signature',
    code: 'malformed',
    make: byAda({ forged: { header: { alg: 'none' }, signature: () => Buffer.alloc(0) } }),
  },
  { name: 'alg none, with one', code: 'malformed', make: header({ alg: 'none' }) },
  {
    name: 'HS256 with the public key as the secret',
    code: 'malformed',
    make: ({ keys, about }) =>
      honest(keys.eve, about, {
        statement: { sub: keys.ada.person },
        forged: {
          header: { alg: 'HS256', kid: keys.ada.kid },
          signature: (signed) => hmacOf(keys.ada, signed),
        },
      }),
  },
  { name: 'the older name EdDSA', code: 'malformed', make: header({ alg: 'EdDSA' }) },
  { name: 'ES256', code: 'malformed', make: header({ alg: 'ES256' }) },
  { name: 'no typ', code: 'malformed', make: header({ typ: undefined }) },
  { name: 'typ JWT', code: 'wrong-type', make: header({ typ: 'JWT' }) },
  {
    name: 'a signed start for a decision',
    code: 'wrong-type',
    make: header({ typ: 'switchyard-start+jws' }),
  },
  {
    name: 'a key in its own header',
    code: 'malformed',
    make: ({ keys, about }) =>
      honest(keys.eve, about, {
        statement: { sub: keys.ada.person },
        forged: { header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: keys.eve.x } } },
      }),
  },
  {
    name: 'a key set by address',
    code: 'malformed',
    make: header({ jku: 'https://evil.example/keys.json' }),
  },
  { name: 'a critical extension', code: 'malformed', make: header({ crit: ['exp'] }) },
  { name: 'an unencoded payload', code: 'malformed', make: header({ b64: false, crit: ['b64'] }) },
  { name: 'a kid that is a path', code: 'malformed', make: header({ kid: '../../etc/passwd' }) },
  {
    name: 'spaces in the payload',
    code: 'malformed',
    make: text((said) => said.replace(':', ': ')),
  },
  {
    name: 'a name that stands twice',
    code: 'malformed',
    make: text((said) => said.replace('{', '{"decision":"rejected",')),
  },
  {
    name: 'a name too many',
    code: 'malformed',
    make: text((said) => said.replace('}', ',"z":1}')),
  },
  {
    name: 'a prototype',
    code: 'malformed',
    make: text((said) => said.replace('{', '{"__proto__":{"decision":"approved"},')),
  },
  { name: 'a byte order mark', code: 'malformed', make: text((said) => `\uFEFF${said}`) },
  { name: 'no JSON', code: 'malformed', make: text(() => 'approved') },
  { name: 'a list', code: 'malformed', make: text((said) => `[${said}]`) },
  {
    name: 'times as texts',
    code: 'malformed',
    make: text((said) => said.replace(/"iat":(\d+)/, '"iat":"$1"')),
  },
  {
    name: 'no nonce',
    code: 'malformed',
    make: text((said) => said.replace(/"nonce":"[0-9a-f]+",/, '')),
  },
  {
    name: 'padded base64',
    code: 'malformed',
    make: parts(([head = '', body = '', tail = '']) => [head, body, `${tail}==`]),
  },
  {
    name: 'bits that nobody wrote',
    code: 'malformed',
    make: parts(([head = '', body = '', tail = '']) => [head, body, `${tail.slice(0, -1)}_`]),
  },
  {
    name: 'a signature that is too long to look at',
    code: 'InvalidRequest',
    make: byAda({}, { signature: 'x'.repeat(8_193) }),
  },
  {
    name: 'the JSON form of a JWS',
    code: 'InvalidRequest',
    make: byAda({}, { signature: { payload: '', signatures: [] } }),
  },
  { name: 'verified: true', code: 'InvalidRequest', make: byAda({}, { verified: true }) },
  { name: 'no object', code: 'InvalidRequest', make: () => 'approved' },
];

const wrongKey: readonly Forgery[] = [
  { name: 'a stranger’s key', code: 'unknown-key', make: by('eve') },
  {
    name: 'a stranger’s key under Ada’s name',
    code: 'bad-signature',
    make: ({ keys, about }) =>
      honest(keys.eve, about, {
        statement: { sub: keys.ada.person },
        forged: { header: { kid: keys.ada.kid } },
      }),
  },
  { name: 'a retired key', code: 'unknown-key', make: by('rita') },
  { name: 'a revoked key', code: 'unknown-key', make: by('vera') },
  {
    name: 'one bit of the signature',
    code: 'bad-signature',
    make: byAda({
      forged: { parts: ([head = '', body = '', tail = '']) => [head, body, flipped(tail)] },
    }),
  },
  {
    name: 'a decision that was turned round after signing',
    code: 'bad-signature',
    make: byAda({
      forged: {
        parts: ([head = '', body = '', tail = '']) => [head, turned(body), tail],
      },
    }),
  },
  {
    name: 'the signature of another statement',
    code: 'bad-signature',
    make: ({ keys, about }) =>
      honest(keys.ada, about, {
        forged: {
          signature: () => signatureOf(keys.ada, `${encoded('{}')}.${encoded('{}')}`),
        },
      }),
  },
  {
    name: 'a signature of zeros',
    code: 'bad-signature',
    make: byAda({ forged: { signature: () => Buffer.alloc(64) } }),
  },
  { name: 'somebody else’s name', code: 'wrong-person', make: says({ sub: 'grace@example.com' }) },
  { name: 'a name in capitals', code: 'wrong-person', make: says({ sub: 'ADA@example.com' }) },
  {
    name: 'a name of letters that look the same',
    code: 'malformed',
    make: says({ sub: `${CYRILLIC_A}da@example.com` }),
  },
  { name: 'an engineer for data science', code: 'not-in-role', make: by('joan') },
  {
    name: 'a data scientist for engineering',
    code: 'not-in-role',
    make: by('grace', { role: 'engineering' }),
  },
  { name: 'a role that nobody asks', code: 'not-asked', make: by('sam', { role: 'sales' }) },
  { name: 'who started it', code: 'self', make: by('mary') },
  { name: 'a lead who is not asked yet', code: 'not-asked', make: by('lena', { role: 'lead' }) },
  { name: 'who decided for Ada until a minute ago', code: 'not-in-role', make: by('dora') },
  {
    name: 'who started it breaks the glass',
    code: 'self',
    make: by('mary', { role: GLASS.role }),
  },
  {
    name: 'a data scientist breaks the glass',
    code: 'not-in-role',
    make: by('grace', { role: GLASS.role }),
  },
  {
    name: 'a no by who may break the glass',
    code: 'not-asked',
    make: by('otto', { role: GLASS.role, statement: { decision: 'rejected' } }),
  },
];

const wrongTime: readonly Forgery[] = [
  {
    name: 'expired',
    code: 'expired',
    make: ({ keys, about }) =>
      honest(keys.ada, about, { statement: { iat: seconds() - 7_200, exp: seconds() - 3_600 } }),
  },
  {
    name: 'a clock that is a day ahead',
    code: 'not-yet',
    make: ({ keys, about }) => {
      const statement = { iat: seconds() + DAY_S, exp: seconds() + DAY_S + 60 };
      return honest(keys.ada, about, { statement });
    },
  },
  {
    name: 'a clock that is a day behind',
    code: 'expired',
    make: ({ keys, about }) => {
      const statement = { iat: seconds() - DAY_S, exp: seconds() - DAY_S + 3_600 };
      return honest(keys.ada, about, { statement });
    },
  },
  {
    name: 'valid for ever',
    code: 'too-long',
    make: ({ keys, about }) => honest(keys.ada, about, { statement: { exp: 9_999_999_999 } }),
  },
  {
    name: 'an end before its beginning',
    code: 'too-long',
    make: ({ keys, about }) => honest(keys.ada, about, { statement: { exp: seconds() - 10 } }),
  },
];

const wrongScope: readonly Forgery[] = [
  { name: 'another installation', code: 'wrong-environment', make: says({ aud: 'staging' }) },
  { name: 'another lifecycle', code: 'wrong-workflow', make: says({ wid: 'lifecycle/x/1' }) },
  {
    name: 'an earlier run of the same id',
    code: 'wrong-run',
    make: says({ run: '0195d1a0-0000-7000-8000-000000000009' }),
  },
  { name: 'another model', code: 'wrong-model', make: says({ model: 'ads' }) },
  { name: 'another version', code: 'wrong-candidate', make: says({ manifest: aDigest('other') }) },
  { name: 'another file of it', code: 'wrong-candidate', make: says({ artifact: 'other.onnx' }) },
  { name: 'another baseline', code: 'wrong-baseline', make: says({ baseline: aDigest('other') }) },
  { name: 'older evidence', code: 'stale', make: says({ evidence: aDigest('older') }) },
  {
    name: 'older evidence under today’s name',
    code: 'stale',
    make: ({ keys, about }) => ({
      ...honest(keys.ada, about, { statement: { evidence: aDigest('older') } }),
      evidence: about.evidence,
    }),
  },
  { name: 'another nonce', code: 'wrong-nonce', make: says({ nonce: 'n'.repeat(32) }) },
  {
    name: 'a whole decision on another lifecycle',
    code: 'stale',
    make: ({ keys, other }) => honest(keys.ada, other),
  },
  {
    name: 'a decision on another lifecycle under this one’s evidence',
    code: 'wrong-workflow',
    make: ({ keys, about, other }) => ({ ...honest(keys.ada, other), evidence: about.evidence }),
  },
];

const altered: readonly Forgery[] = [
  { name: 'another reason', code: 'altered', make: byAda({}, { reason: 'because' }) },
  { name: 'another person', code: 'altered', make: byAda({}, { by: 'grace@example.com' }) },
  {
    name: 'a no made a yes',
    code: 'altered',
    make: byAda({ statement: { decision: 'rejected' } }, { decision: 'approved' }),
  },
  {
    name: 'a wish for more data made a yes',
    code: 'altered',
    make: byAda({ statement: { decision: 'needs-more-data' } }, { decision: 'approved' }),
  },
  { name: 'another role', code: 'altered', make: byAda({}, { role: 'engineering' }) },
];

/** Decisions that a lifecycle refuses which waits for its first one. */
export const FORGERIES: readonly Forgery[] = [
  ...[...wrongForm, ...wrongKey, ...wrongTime, ...wrongScope, ...altered],
];

/** Those that it refuses once Ada has approved for data science. */
export const SECOND_FORGERIES: readonly Forgery[] = [
  {
    name: 'one person by a second key',
    code: 'already',
    make: by('second', { statement: { reason: 'again' } }),
  },
  {
    name: 'one person of two minds',
    code: 'already',
    make: byAda({ statement: { decision: 'rejected' } }),
  },
  { name: 'one person for both roles', code: 'not-distinct', make: byAda({ role: 'engineering' }) },
];

function flipped(tail: string): string {
  const bytes = Buffer.from(tail, 'base64url');
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  return bytes.toString('base64url');
}

function turned(body: string): string {
  const said = Buffer.from(body, 'base64url').toString();
  return encoded(said.replace('"approved"', '"rejected"'));
}
