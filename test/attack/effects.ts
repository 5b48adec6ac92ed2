import type { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { isPortError } from '../../domain/failures.js';
import type { LiveChange } from '../../domain/live-state.js';
import { recordedDecisionSchema, type RecordedDecision } from '../../domain/decision.js';
import type { LifecycleRequest, ToSign } from '../../domain/lifecycle.js';
import type { ApprovalPolicy } from '../../domain/signing/policy.js';
import { asking } from '../support/signers.js';
import { signStart } from '../../client/signing/signing-key.js';
import { signedRequest, type SignedRequest } from '../../domain/signing/verify-start.js';
import { evidenceSchema, type Evidence } from '../../domain/evidence.js';
import { randomBytes } from 'node:crypto';
import { withRevoked } from '../../domain/signing/trust-edits.js';
import type { Trust } from '../../domain/signing/trust.js';
import { aDigest } from '../../testing/builders.js';
import { HAND_OFFS, honest, type Keys } from './forgeries.js';
import type { GateWorld } from './gate-world.js';

export type Promotion = Extract<LiveChange, { kind: 'promote' }>;

/** A promotion that an honest installation would make, and all that made it so. */
export interface Approved {
  readonly world: GateWorld;
  readonly keys: Keys;
  readonly about: ToSign;
  readonly promotion: Promotion;
}

/** The promotion on the evidence of a lifecycle that waits, with the approvals that its policy asks for. */
export function approvedBy(world: GateWorld, keys: Keys, about: ToSign): Promotion {
  const { version, digest, artifact } = world.published;
  const decisions = [
    recorded(honest(keys.ada, about)),
    recorded(honest(keys.grace, about)),
    recorded(honest(keys.joan, about, { role: 'engineering' })),
  ];
  const candidate = { version, digest, artifact, evidence: about.evidence, decisions };
  return { kind: 'promote', candidate, baseline: about.baseline };
}

/** As if it had been accepted then. */
export const recorded = (decision: object, at = new Date()): RecordedDecision =>
  recordedDecisionSchema.parse({ ...decision, at: at.toISOString() });

/** What whoever reaches Temporal may ask the writer of `live.json` for. */
export interface EffectAttack {
  readonly name: string;
  /** What is wrong about it, in the answer. */
  readonly says: RegExp;
  readonly make: (approved: Approved) => Promise<Promotion> | Promotion;
  /** What the trust file becomes. */
  readonly trust?: (approved: Approved) => Trust;
}

const withDecisions =
  (change: (decisions: readonly RecordedDecision[], approved: Approved) => RecordedDecision[]) =>
  (approved: Approved): Promotion => {
    const { promotion } = approved;
    const decisions = change(promotion.candidate.decisions, approved);
    return { ...promotion, candidate: { ...promotion.candidate, decisions } };
  };

export const EFFECT_ATTACKS: readonly EffectAttack[] = [
  { name: 'no decision', says: /0 of 2 people approved/, make: withDecisions(() => []) },
  {
    name: 'decisions without signatures',
    says: /0 of 2 people/,
    make: withDecisions((all) => all.map((each) => ({ ...each, signature: null }))),
  },
  {
    name: 'one person for two',
    says: /1 of 2 people approved this evidence for data-science/,
    make: withDecisions(([ada, , joan], { keys, about }) => [
      ...(ada === undefined || joan === undefined ? [] : [ada, joan]),
      recorded(honest(keys.second, about, { statement: { reason: 'again' } })),
    ]),
  },
  {
    name: 'one role is missing',
    says: /engineering did not approve/,
    make: withDecisions((all) => all.slice(0, 2)),
  },
  {
    name: 'one person breaks the glass, twice',
    says: /0 of 2 people approved this evidence for data-science/,
    make: withDecisions((_, { keys, about }) => [
      recorded(honest(keys.otto, about, { role: 'on-call' })),
      recorded(honest(keys.otto, about, { role: 'on-call', statement: { reason: 'again' } })),
    ]),
  },
  {
    name: 'a stranger breaks the glass with somebody',
    says: /^lapsed$/,
    make: withDecisions((_, { keys, about }) => [
      recorded(honest(keys.otto, about, { role: 'on-call' })),
      recorded(honest(keys.eve, about, { role: 'on-call' })),
    ]),
  },
  {
    name: 'who decided for Ada until a minute ago',
    says: /^lapsed$/,
    make: withDecisions((all, { keys, about }) => [
      ...all.slice(0, 1),
      recorded(honest(keys.dora, about)),
      ...all.slice(2),
    ]),
  },
  {
    name: 'who started it approves',
    says: /mary@example\.com started this lifecycle/,
    make: withDecisions((all, { keys, about }) => [
      ...all.slice(1),
      recorded(honest(keys.mary, about)),
    ]),
  },
  {
    name: 'one person for both roles',
    says: /ada@example\.com has decided for/,
    make: withDecisions((all, { keys, about }) => [
      ...all.slice(0, 2),
      recorded(honest(keys.ada, about, { role: 'engineering' })),
    ]),
  },
  {
    name: 'a stranger signs',
    says: /^lapsed$/,
    make: withDecisions((all, { keys, about }) => [
      ...all.slice(0, 2),
      recorded(honest(keys.eve, about, { role: 'engineering' })),
    ]),
  },
  {
    name: 'a no is told as a yes',
    says: /engineering did not approve/,
    make: withDecisions((all, { keys, about }) => {
      const no = honest(keys.joan, about, {
        role: 'engineering',
        statement: { decision: 'rejected' },
      });
      return [...all.slice(0, 2), recorded({ ...no, decision: 'approved' })];
    }),
  },
  {
    name: 'approvals of other evidence',
    says: /0 of 2 people/,
    make: withDecisions((_, { world, keys, about }) => {
      const { decisions } = approvedBy(world, keys, { ...about, evidence: aDigest('x') }).candidate;
      return decisions.map((each) => ({ ...each, evidence: about.evidence }));
    }),
  },
  {
    name: 'approvals of another installation',
    says: /0 of 2 people/,
    make: ({ world, keys, about }) => approvedBy(world, keys, { ...about, environment: 'staging' }),
  },
  {
    name: 'approvals of another run',
    says: /0 of 2 people/,
    make: ({ world, keys, about }) =>
      approvedBy(world, keys, { ...about, run: '0195d1a0-0000-7000-8000-000000000009' }),
  },
  {
    name: 'evidence whose policy asks nobody, written into the bucket',
    says: /0 of the 1 people approved it that the trust file asks for/,
    make: async (approved) => {
      const policy = { handOffs: [], starter: null };
      return onEvidence(approved, { roles: [], policy });
    },
  },
  {
    name: 'evidence older than policies that asks nobody, written into the bucket',
    says: /0 of the 1 people/,
    make: (approved) => onEvidence(approved, { roles: [], policy: null }),
  },
  {
    name: 'a key that was revoked since',
    says: /^lapsed$/,
    make: ({ promotion }) => promotion,
    trust: ({ world, keys }) =>
      withRevoked(world.trust, keys.ada.kid, new Date(Date.now() - 60_000).toISOString()),
  },
  {
    name: 'a key that is retired, whose approval is dated back to before',
    says: /^lapsed$/,
    make: ({ world, keys, about, promotion }) => {
      const dayAgo = new Date(Date.now() - 86_400_000);
      const iat = Math.floor(dayAgo.getTime() / 1_000);
      const backdated = honest(keys.rita, about, { statement: { iat, exp: iat + 3_600 } });
      const { decisions } = approvedBy(world, keys, about).candidate;
      const others = decisions.with(0, recorded(backdated, dayAgo));
      return { ...promotion, candidate: { ...promotion.candidate, decisions: others } };
    },
  },
  {
    name: 'a trust file that trusts nobody',
    says: /^lapsed$/,
    make: ({ promotion }) => promotion,
    trust: ({ world }) => ({ ...world.trust, people: [] }),
  },
  {
    name: 'a trust file that asks for more people than approved',
    says: /3 of the 4 people approved it that the trust file asks for/,
    make: ({ promotion }) => promotion,
    trust: ({ world }) => asking(world.trust, world.model, { quorum: 4 }),
  },
  {
    name: 'a trust file that asks for a role that nobody was asked for',
    says: /nobody approved it for legal/,
    make: ({ promotion }) => promotion,
    trust: ({ world }) => asking(world.trust, world.model, { roles: ['legal'] }),
  },
  {
    name: 'a trust file that asks for other people in each role',
    says: /ada@example\.com has decided for/,
    make: async (approved) => {
      const { keys } = approved;
      const { about, on } = await otherEvidence(approved, {
        policy: { handOffs: TWO_ROLES, starter: keys.mary.person },
      });
      return on([
        honest(keys.ada, about),
        honest(keys.ada, about, { role: 'engineering' }),
        honest(keys.grace, about),
      ]);
    },
    trust: ({ world }) =>
      asking(world.trust, world.model, { roles: ['data-science', 'engineering'], distinct: true }),
  },
  {
    name: 'who started it approves, where only the trust file forbids it',
    says: /1 of the 2 people approved it that the trust file asks for/,
    make: async (approved) => {
      const { keys } = approved;
      const { about, on } = await otherEvidence(approved, {
        policy: { handOffs: TWO_ROLES.slice(0, 1), starter: keys.mary.person },
      });
      return on([honest(keys.mary, about), honest(keys.ada, about)]);
    },
    trust: ({ world }) => asking(world.trust, world.model, { quorum: 2, distinct: true }),
  },
  {
    name: 'a signed start that its evidence leaves out',
    says: /nobody signed its start, which the trust file asks for/,
    make: async (approved) => {
      const { keys } = approved;
      const { about, on } = await otherEvidence(approved, {
        ...{ start: undefined, policy: { handOffs: HAND_OFFS, starter: null } },
      });
      return on([
        honest(keys.mary, about),
        honest(keys.grace, about),
        honest(keys.joan, about, { role: 'engineering' }),
      ]);
    },
    trust: ({ world }) => asking(world.trust, world.model, { start: 'signed' }),
  },
  {
    name: 'a start that somebody else signed than its policy says',
    says: /mary@example\.com signed its start, its policy says nobody/,
    make: async (approved) => {
      const { keys } = approved;
      const { about, on } = await otherEvidence(approved, {
        policy: { handOffs: HAND_OFFS, starter: null },
      });
      return on([
        honest(keys.mary, about),
        honest(keys.grace, about),
        honest(keys.joan, about, { role: 'engineering' }),
      ]);
    },
  },
  {
    name: 'a start that nobody signed, in another’s name',
    says: /nobody signed that sam@example\.com started it/,
    make: async (approved) => {
      const { keys } = approved;
      const { about, on } = await otherEvidence(approved, {
        ...{ start: undefined, policy: { handOffs: HAND_OFFS, starter: keys.sam.person } },
      });
      return on([
        honest(keys.mary, about),
        honest(keys.grace, about),
        honest(keys.joan, about, { role: 'engineering' }),
      ]);
    },
    trust: ({ world }) => asking(world.trust, world.model, { distinct: true }),
  },
  {
    name: 'the signed start of another lifecycle',
    says: /its start is not signed as it says: it starts lifecycle\//,
    make: async (approved) => {
      const { keys, world } = approved;
      const id = `lifecycle/${world.model}/another`;
      const { about, on } = await otherEvidence(approved, {
        start: signed(await signStart(keys.sam, id, { model: world.model })),
        policy: { handOffs: HAND_OFFS, starter: keys.sam.person },
      });
      return on([
        honest(keys.mary, about),
        honest(keys.grace, about),
        honest(keys.joan, about, { role: 'engineering' }),
      ]);
    },
  },
  {
    name: 'approvals of two lifecycles',
    says: /1 of 2 people approved this evidence for data-science/,
    make: ({ keys, about, promotion }) => {
      const other = { ...about, wid: `${about.wid}/other` };
      const decisions = promotion.candidate.decisions.with(1, recorded(honest(keys.grace, other)));
      return { ...promotion, candidate: { ...promotion.candidate, decisions } };
    },
  },
  {
    name: 'evidence that a tombstone puts in the place of what was approved',
    says: /there is no evidence/,
    make: async (approved) => {
      const { world, keys } = approved;
      const strict = await otherEvidence(approved, {});
      const weak = await otherEvidence(approved, {
        ...{ roles: [], policy: { handOffs: [], starter: null }, start: undefined },
        nonce: strict.about.nonce,
      });
      await world.replaceEvidence(strict.about.evidence, weak.about.evidence);
      return strict.on([honest(keys.ada, strict.about)]);
    },
  },
];

const TWO_ROLES = [
  { role: 'data-science', quorum: 1, distinctFrom: [] },
  { role: 'engineering', quorum: 1, distinctFrom: [] },
];

/** Evidence as whoever has the bucket's credentials would write it, and promotions that rest on it. */
async function otherEvidence(
  { world, about, promotion }: Approved,
  change: Partial<Evidence>,
): Promise<{
  readonly about: ToSign;
  readonly on: (decisions: readonly object[]) => Promotion;
}> {
  const { registry, model, published } = world;
  const before = await registry.evidence(model, published.digest, about.evidence);
  if (before === null) throw new Error('its evidence is not there');
  const nonce = randomBytes(16).toString('hex');
  const document = evidenceSchema.parse({ ...before, nonce, ...change });
  const evidence = await registry.putEvidence(model, published.digest, document);
  return {
    about: { ...about, evidence, nonce: document.nonce },
    on: (decisions) => ({
      ...promotion,
      candidate: {
        ...promotion.candidate,
        evidence,
        decisions: decisions.map((each) => recorded(each)),
      },
    }),
  };
}

function signed(request: LifecycleRequest): SignedRequest {
  const found = signedRequest(request);
  if (found === null) throw new Error('it is not signed');
  return found;
}

async function onEvidence(
  { world, about, promotion }: Approved,
  change: { roles: string[]; policy: ApprovalPolicy | null },
): Promise<Promotion> {
  const { registry, model, published } = world;
  const before = await registry.evidence(model, published.digest, about.evidence);
  if (before === null) throw new Error('its evidence is not there');
  const evidence = await registry.putEvidence(model, published.digest, { ...before, ...change });
  return { ...promotion, candidate: { ...promotion.candidate, evidence, decisions: [] } };
}

/** The sentence with which something was refused; null where it was not. */
export async function sentenceOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    const isRefusal = isPortError(error) || (error instanceof Error && 'type' in error);
    if (!isRefusal) throw error;
    return error.message;
  }
}

/** Writes what it likes into `live.json`, as whoever has the bucket's credentials. */
export async function writePast(
  registry: ObjectRegistry,
  model: string,
  served: Promotion['candidate'],
  writeId: string,
): Promise<void> {
  const baseline = (await registry.live(model))?.state.live ?? null;
  const { kind } = await registry.changeLive(
    model,
    { kind: 'promote', candidate: served, baseline },
    writeId,
  );
  if (kind !== 'promoted') throw new Error(`live.json was not written: ${kind}`);
}
