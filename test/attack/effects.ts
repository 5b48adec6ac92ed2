import type { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { isPortError } from '../../domain/failures.js';
import type { LiveChange } from '../../domain/live-state.js';
import { recordedDecisionSchema, type RecordedDecision } from '../../domain/decision.js';
import type { ToSign } from '../../domain/lifecycle.js';
import type { ApprovalPolicy } from '../../domain/signing/policy.js';
import { withRevoked } from '../../domain/signing/trust-edits.js';
import type { Trust } from '../../domain/signing/trust.js';
import { aDigest } from '../../testing/builders.js';
import { honest, type Keys } from './forgeries.js';
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
    says: /engineering did not approve/,
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
    says: /1 of 2 people approved this evidence for data-science/,
    make: ({ promotion }) => promotion,
    trust: ({ world, keys }) =>
      withRevoked(world.trust, keys.ada.kid, new Date(Date.now() - 60_000).toISOString()),
  },
  {
    name: 'a trust file that trusts nobody',
    says: /0 of 2 people/,
    make: ({ promotion }) => promotion,
    trust: ({ world }) => ({ ...world.trust, people: [] }),
  },
  {
    name: 'a trust file that asks for more people than approved',
    says: /3 of the 4 people approved it that the trust file asks for/,
    make: ({ promotion }) => promotion,
    trust: ({ world }) => ({
      ...world.trust,
      models: { [world.model]: { quorum: 4, roles: [] } },
    }),
  },
  {
    name: 'a trust file that asks for a role that nobody was asked for',
    says: /nobody approved it for legal/,
    make: ({ promotion }) => promotion,
    trust: ({ world }) => ({
      ...world.trust,
      models: { [world.model]: { quorum: 1, roles: ['legal'] } },
    }),
  },
];

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
