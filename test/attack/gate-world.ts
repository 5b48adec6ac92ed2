import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { signingOf } from '../../activities/assemble-evidence.js';
import { createDeployActivities } from '../../activities/deploy.js';
import { createResolveActivities } from '../../activities/resolve.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { signStart, type SigningKey } from '../../client/signing/signing-key.js';
import type { ToSign } from '../../domain/lifecycle.js';
import type { ApprovalPolicy } from '../../domain/signing/policy.js';
import type { Trust } from '../../domain/signing/trust.js';
import { aCandidate, aSpec, aTested } from '../../testing/builders.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';
import { publishVersions, type Published } from '../bench/lifecycle/publish-versions.js';
import { ownBucket } from '../support/own-bucket.js';
import { replaceEvidence } from './predictors.js';

/** Lifecycles that wait for signed decisions, on a real Temporal server and a real bucket; what is measured is stubbed. */
export interface GateWorld extends AsyncDisposable {
  readonly rig: Rig;
  /** Where processes of this world find Temporal and the bucket. */
  readonly address: string;
  readonly bucket: Readonly<Record<string, string>>;
  readonly registry: ObjectRegistry;
  readonly model: string;
  readonly published: Published;
  /** The trust file: who is trusted may change. */
  trust: Trust;
  /** As whoever has the bucket's credentials: takes evidence away, and a tombstone says that other evidence replaces it. */
  replaceEvidence(evidence: string, by: string): Promise<void>;
  /** The activity that writes `live.json`. */
  readonly writeLive: ReturnType<typeof createDeployActivities>['writeLive'];
  /** Starts a lifecycle, by a signature where a key is given. */
  start(by?: SigningKey): Promise<string>;
  /** One that waits, and what its decisions are to be signed about. */
  waiting(by?: SigningKey): Promise<{ workflowId: string; about: ToSign }>;
  /** Lets no lifecycle come to its evidence, until it is let go again. */
  hold(isHeld: boolean): void;
}

export async function openGate(
  title: string,
  given: {
    trust: Trust;
    handOffs: ApprovalPolicy['handOffs'];
    breakGlass?: ApprovalPolicy['breakGlass'];
    order?: 'in-order' | 'in-parallel';
  },
): Promise<GateWorld> {
  const { handOffs, order = 'in-parallel' } = given;
  const { store, environment: bucket } = await ownBucket();
  const { temporal } = await testServers();
  const registry = new ObjectRegistry(store);
  const state = { trust: given.trust, isHeld: false };
  const source = { read: () => Promise.resolve(state.trust) };
  const roles = handOffs.map(({ role }) => role);
  const shared: { published?: Published; writeLive?: GateWorld['writeLive'] } = {};
  const published = () => shared.published ?? assert.fail('nothing is published yet');
  const rig = await startRig(title, (place) => {
    const deploy = createDeployActivities({
      ...{ registry, targets: {}, trust: source, livePointer: new TemporalLivePointer(place) },
      notifier: { notify: () => Promise.resolve() },
    });
    shared.writeLive = deploy.writeLive;
    const model = place.taskQueue;
    const approve = { order, handOffs: roles.map((role) => ({ role })) };
    const models = { [model]: aSpec({ model, approve }) };
    return fakeActivities(place, {
      overrides: {
        ...createResolveActivities({ models, trust: source }),
        writeLive: deploy.writeLive,
        publishVersion: () => {
          const { version, digest, artifact } = published();
          return Promise.resolve(aCandidate({ version, digest, artifact }));
        },
        assembleEvidence: async ({ run, baseline, starter = null, start }) => {
          while (state.isHeld) await new Promise((resolve) => setTimeout(resolve, 20));
          const { digest, evidence: first } = published();
          const before = await registry.evidence(model, digest, first);
          assert.ok(before !== null);
          const nonce = randomBytes(16).toString('hex');
          const { breakGlass } = given;
          const policy = { handOffs, starter, ...(breakGlass && { breakGlass }) };
          const signed = start != null && { start };
          const asked = { roles, policy, nonce, lifecycle: run, baseline, ...signed };
          const evidence = await registry.putEvidence(model, digest, { ...before, ...asked });
          const signing = await signingOf(source, nonce);
          return aTested({ evidence, baseline, roles, policy, ...(signing && { signing }) });
        },
      },
    });
  });
  const model = rig.taskQueue;
  const start = async (by?: SigningKey) => {
    const workflowId = `lifecycle/${model}/${randomBytes(4).toString('hex')}`;
    const request = by === undefined ? { model } : await signStart(by, workflowId, { model });
    await rig.switchyard.start(request, { workflowId });
    return workflowId;
  };
  [shared.published] = await publishVersions(registry, model, 1);
  return {
    ...{ rig, registry, model, published: published(), bucket, address: temporal.address },
    writeLive: shared.writeLive ?? assert.fail('the rig has no activities'),
    get trust() {
      return state.trust;
    },
    set trust(trust) {
      state.trust = trust;
    },
    replaceEvidence: (evidence, by) =>
      replaceEvidence(store, { model, manifest: published().digest }, [evidence, by]),
    hold: (isHeld) => void (state.isHeld = isHeld),
    start,
    waiting: async (by) => {
      const workflowId = await start(by);
      const about = await until('a decision can be signed', async () => {
        const status = await rig.switchyard.status(workflowId);
        return status.toSign ?? undefined;
      });
      return { workflowId, about };
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}
