import { join } from 'node:path';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { evidenceKey, evidenceTombstoneKey } from '../../adapters/registry/keys.js';
import type { RecordedDecision } from '../../domain/decision.js';
import { canonicalJson } from '../../domain/digest.js';
import type { Tombstone } from '../../domain/forgetting.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { ReplicaReport } from '../../domain/ports/registry.js';
import { NO_SEALER, type Sealer } from '../../domain/ports/sealer.js';
import type { TrustSource } from '../../domain/ports/trust.js';
import type { Trust } from '../../domain/signing/trust.js';
import { startEndpoint } from '../../serving/serve.js';
import { aDigest } from '../../testing/builders.js';
import { until } from '../../testing/until.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { publishVersions, type Published } from '../bench/lifecycle/publish-versions.js';
import { ownBucket } from '../support/own-bucket.js';
import { toSign } from '../support/signers.js';
import { recorded, writePast } from './effects.js';
import { honest, type Keys } from './forgeries.js';

/** What whoever can write into the bucket makes `live.json` say, over an approved version. */
export interface PredictorAttack {
  readonly name: string;
  /** What the endpoint says of it; too few people, where left out. */
  readonly says?: RegExp;
  /** The decisions and the evidence that it names beside the other version. */
  readonly make: (given: {
    readonly keys: Keys;
    readonly store: ObjectStore;
    readonly model: string;
    /** The approved version and its decisions. */
    readonly good: Published;
    readonly approvals: readonly RecordedDecision[];
    /** The one that nobody approved. */
    readonly evil: Published;
  }) => Named | Promise<Named>;
}

interface Named {
  readonly decisions: readonly RecordedDecision[];
  readonly evidence?: string;
}

/** The approvals of a version by Ada and Joan, signed and accepted at a time. */
export function approvalsOf(
  keys: Keys,
  model: string,
  version: Published,
  at = new Date(),
): RecordedDecision[] {
  const { digest: manifest, artifact, evidence } = version;
  const about = toSign({ model, manifest, artifact, evidence, ...version.about });
  const iat = Math.floor(at.getTime() / 1_000);
  const statement = { iat, exp: iat + 3_600 };
  const signed = [
    honest(keys.ada, about, { statement }),
    honest(keys.joan, about, { role: 'engineering', statement }),
  ];
  return signed.map((each) => recorded(each, at));
}

export const PREDICTOR_ATTACKS: readonly PredictorAttack[] = [
  { name: 'no decision', make: () => ({ decisions: [] }) },
  {
    name: 'decisions without signatures',
    make: ({ keys, model, evil }) => ({
      decisions: approvalsOf(keys, model, evil).map((each) => ({ ...each, signature: null })),
    }),
  },
  {
    name: 'the approvals of the other version',
    make: ({ approvals }) => ({ decisions: approvals }),
  },
  {
    name: 'the approvals and the evidence of the other version',
    says: /its evidence|the evidence/,
    make: ({ approvals, good }) => ({ decisions: approvals, evidence: good.evidence }),
  },
  {
    name: 'approvals of another model',
    make: ({ keys, evil }) => ({ decisions: approvalsOf(keys, 'other', evil) }),
  },
  {
    name: 'approvals by a stranger',
    make: ({ keys, model, evil }) => ({
      decisions: approvalsOf({ ...keys, ada: keys.eve, joan: keys.eve }, model, evil),
    }),
  },
  {
    name: 'one person where two are asked for',
    make: ({ keys, model, evil }) => ({
      decisions: approvalsOf({ ...keys, joan: keys.second }, model, evil),
    }),
  },
  {
    name: 'refusals told as approvals',
    make: ({ keys, model, evil }) => {
      const { digest: manifest, evidence } = evil;
      const about = toSign({ model, manifest, evidence, ...evil.about });
      const no = { statement: { decision: 'rejected' } } as const;
      const said = [
        honest(keys.ada, about, no),
        honest(keys.joan, about, { ...no, role: 'engineering' }),
      ];
      return { decisions: said.map((each) => recorded({ ...each, decision: 'approved' })) };
    },
  },
  {
    name: 'enough for the trust file, too few for its own policy',
    says: /1 of 3 people approved this evidence for data-science/,
    make: async ({ keys, store, model, evil }) => {
      const strict = await withPolicy(store, model, evil, 3);
      return { decisions: approvalsOf(keys, model, strict), evidence: strict.evidence };
    },
  },
  {
    name: 'evidence that is not in the bucket any more',
    says: /is not in the bucket/,
    make: async ({ keys, store, model, evil }) => {
      const strict = await withPolicy(store, model, evil, 3);
      await store.delete(evidenceKey(model, evil.digest, strict.evidence));
      return { decisions: approvalsOf(keys, model, strict), evidence: strict.evidence };
    },
  },
  {
    name: 'weak evidence that a tombstone puts in the place of what was approved',
    says: /is not in the bucket/,
    make: async ({ keys, store, model, evil }) => {
      const strict = await withPolicy(store, model, evil, 3);
      await replaceEvidence(store, { model, manifest: evil.digest }, [
        strict.evidence,
        evil.evidence,
      ]);
      return { decisions: approvalsOf(keys, model, strict), evidence: strict.evidence };
    },
  },
];

/** A version with evidence whose policy asks so many data scientists. */
async function withPolicy(
  store: ObjectStore,
  model: string,
  version: Published,
  quorum: number,
): Promise<Published> {
  const registry = new ObjectRegistry(store);
  const before = await registry.evidence(model, version.digest, version.evidence);
  if (before === null) throw new Error('its evidence is not there');
  const handOffs = [{ role: 'data-science', quorum, distinctFrom: [] }];
  const document = { ...before, roles: ['data-science'], policy: { handOffs, starter: null } };
  const evidence = await registry.putEvidence(model, version.digest, document);
  return { ...version, evidence };
}

/** As whoever has the bucket's credentials: takes evidence away, and a tombstone says that other evidence replaces it. */
export async function replaceEvidence(
  store: ObjectStore,
  { model, manifest }: { readonly model: string; readonly manifest: string },
  [evidence, by]: readonly [string, string],
): Promise<void> {
  const stone: Tombstone = {
    ...{ schemaVersion: 1, replacedBy: by, at: new Date().toISOString() },
    ...{ reason: 'a person asked for it', removed: 1, person: aDigest('nobody') },
  };
  const place = evidenceTombstoneKey(model, manifest, evidence);
  await store.put(place, Buffer.from(canonicalJson(stone)), 'absent');
  await store.delete(evidenceKey(model, manifest, evidence));
}

/** An endpoint that serves an approved version of a model. @param sealer - How what is honestly written is sealed. */
export async function openEndpoint(trust: TrustSource, keys: Keys, sealer: Sealer = NO_SEALER) {
  const { store } = await ownBucket();
  const registry = new ObjectRegistry(store, { sealer });
  const model = 'tickets';
  const [good, evil] = await publishVersions(registry, model, 2);
  if (good === undefined || evil === undefined) throw new Error('nothing was published');
  const approvals = approvalsOf(keys, model, good);
  await writePast(registry, model, servedOf(good, approvals), 'honest');
  const folder = await temporaryFolder();
  const endpoint = await startEndpoint({
    ...{ registry, runtime: new ChildModelRuntime(), models: [model], replica: 'attacked' },
    cacheDirectory: join(folder.path, 'cache'),
    ...{ memoryLimitBytes: 512 * 1024 * 1024, pollMs: 20, reportEveryMs: 50, trustEveryMs: 50 },
    trust,
  });
  /** What it reports, once it is as wanted. */
  const reported = (what: string, isWanted: (report: ReplicaReport) => boolean) =>
    until(what, async () => {
      const [replica] = await registry.liveReplicas(model);
      return replica !== undefined && isWanted(replica) ? replica : undefined;
    });
  await reported('the approved one serves', ({ digest }) => digest === good.digest);
  return {
    ...{ store, registry, model, good, evil, approvals, endpoint, reported },
    [Symbol.asyncDispose]: async () => {
      await endpoint.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** What an endpoint with this trust file serves of a model once it saw what its `live.json` says, and what it reports. */
export async function servedUnder(
  trust: Trust,
  attack: PredictorAttack,
  keys: Keys,
): Promise<{ served: string | null; good: string; evil: string; problem: string | null }> {
  await using open = await openEndpoint({ read: () => Promise.resolve(trust) }, keys);
  const { store, registry, model, good, evil, approvals, reported } = open;
  const { decisions, evidence = evil.evidence } = await attack.make({
    keys,
    store,
    model,
    good,
    approvals,
    evil,
  });
  await writePast(registry, model, servedOf({ ...evil, evidence }, decisions), 'evil');
  const { digest: served, problem } = await reported(
    'the endpoint serves it, or tells why not',
    (report) => report.problem !== null || report.digest === evil.digest,
  );
  return { served, good: good.digest, evil: evil.digest, problem };
}

const servedOf = (
  { version, digest, artifact, evidence }: Published,
  decisions: readonly RecordedDecision[],
) => ({
  ...{ version, digest, artifact, evidence },
  decisions: [...decisions],
});
