import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { createDeployActivities } from '../../activities/deploy.js';
import { createFollowUpActivities } from '../../activities/follow-up.js';
import { createReconcileActivities } from '../../activities/reconcile.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { RegistryWatch } from '../../adapters/registry/registry-watch.js';
import { TemporalFollowUps } from '../../client/follow-ups.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { TemporalRuns } from '../../client/reconciler.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { reconcileOutcomeSchema, type ReconcileOutcome } from '../../domain/reconcile/outcome.js';
import type { ModelSpec } from '../../domain/spec.js';
import { aSpec, aTested } from '../../testing/builders.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { RECONCILE_TYPE } from '../../workflows/reconcile-messages.js';
import { publishVersions, type Published } from '../bench/lifecycle/publish-versions.js';
import { ownBucket } from '../support/own-bucket.js';

/** Lifecycles whose candidates are there already, and whose way to live is the real one, on a bucket of their own. */
export interface DeployWorld extends AsyncDisposable {
  readonly model: string;
  readonly rig: Rig;
  readonly store: ObjectStore;
  readonly registry: ObjectRegistry;
  /** The first is live by a lifecycle that completed; candidates are the others. */
  readonly versions: readonly Published[];
  /** Starts a lifecycle of a version and waits until `live.json` names it; nothing serves it, so that it waits there. */
  beginDeploy(version: number): Promise<string>;
  /** Starts a lifecycle of a version that a replica serves at once, and waits for its end. */
  carry(version: number): Promise<string>;
  /** Lets no lifecycle come beyond its training from now on. */
  hold(): void;
  reconcile(): Promise<ReconcileOutcome>;
  live(): Promise<{ readonly live: string | null; readonly generation: number }>;
}

/** @param spec - What the model's specification says besides. */
export async function deployWorld(
  title: string,
  spec: Partial<Parameters<typeof aSpec>[0]> = {},
): Promise<DeployWorld> {
  const { store } = await ownBucket();
  const registry = new ObjectRegistry(store);
  const carried = new Carried();
  const rig = await startRig(title, (place) =>
    activitiesOn({ ...place, store, registry, carried, spec }),
  );
  const model = rig.taskQueue;
  const versions = await publishVersions(registry, model, 3);
  carried.versions = versions;
  const live = async () => {
    const { state } = (await registry.live(model)) ?? assert.fail('there is no live.json');
    return { live: state.live, generation: state.generation };
  };
  const start = async (version: number, serves: boolean) => {
    carried.next = version;
    carried.baseline = (await registry.live(model))?.state.live ?? null;
    const published = carried.candidate;
    if (serves) await report(registry, model, published.digest);
    else await registry.removeReplica(model, 'one');
    return rig.switchyard.start({ model });
  };
  return {
    ...{ model, rig, store, registry, versions, live },
    hold: () => void (carried.holds = true),
    beginDeploy: async (version) => {
      const { workflowId } = await start(version, false);
      const { digest } = carried.candidate;
      await until('live.json names it', async () =>
        (await registry.live(model))?.state.live === digest ? true : undefined,
      );
      return workflowId;
    },
    carry: async (version) => {
      const { workflowId } = await start(version, true);
      const outcome = await rig.switchyard.outcome(workflowId);
      assert.equal(outcome.outcome, 'live');
      return workflowId;
    },
    reconcile: () => reconcileOnce(rig),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

let looks = 0;

/** Starts the reconciler as its schedule would, and waits for its end. */
export async function reconcileOnce(rig: Rig): Promise<ReconcileOutcome> {
  looks += 1;
  const result: unknown = await rig.client.workflow.execute(RECONCILE_TYPE, {
    workflowId: `reconcile/${rig.taskQueue}/${looks}`,
    taskQueue: rig.taskQueue,
    args: [{}],
  });
  return reconcileOutcomeSchema.parse(result);
}

/** A replica that says for the next 10 s what it serves. */
export function report(registry: ObjectRegistry, model: string, digest: string | null) {
  return registry.reportReplica(model, { replica: 'one', digest, generation: 1, problem: null });
}

/** Which version the next lifecycle carries, and what it is compared with. */
class Carried {
  versions: readonly Published[] = [];
  next = 1;
  baseline: string | null = null;
  holds = false;

  get candidate(): Published {
    return this.versions[this.next - 1] ?? assert.fail(`there is no version ${this.next}`);
  }
}

function activitiesOn(given: {
  client: Client;
  taskQueue: string;
  store: ObjectStore;
  registry: ObjectRegistry;
  carried: Carried;
  spec: Partial<Parameters<typeof aSpec>[0]>;
}) {
  const { client, taskQueue, store, registry, carried } = given;
  const spec: ModelSpec = aSpec({
    ...{ model: taskQueue, approve: { handOffs: [] }, deploy: { deadline: '1 minute' } },
    ...given.spec,
  });
  const deploy = createDeployActivities({
    ...{ registry, targets: {}, trust: NO_TRUST, notifier: { notify: () => Promise.resolve() } },
    livePointer: new TemporalLivePointer({ client, taskQueue }),
  });
  const fakes = fakeActivities(given, { spec });
  return {
    ...fakes,
    ...deploy,
    ...createReconcileActivities({
      models: { [taskQueue]: spec },
      ...{ bucketWatch: new RegistryWatch(store), trust: NO_TRUST },
      runWatch: new TemporalRuns({ client, taskQueue }),
    }),
    ...createFollowUpActivities({
      followUps: new TemporalFollowUps({ client, taskQueue }),
      trust: NO_TRUST,
    }),
    trainModel: async (input: Parameters<typeof fakes.trainModel>[0]) => {
      while (carried.holds) {
        Context.current().heartbeat();
        await Context.current().sleep(50);
      }
      return fakes.trainModel(input);
    },
    publishVersion: () => {
      const { version, digest, artifact } = carried.candidate;
      return Promise.resolve({ version, digest, artifact, parityReport: digest });
    },
    measureQuality: async (input: Parameters<typeof fakes.measureQuality>[0]) => ({
      ...(await fakes.measureQuality(input)),
      baseline: carried.baseline,
    }),
    assembleEvidence: async () => {
      const { digest, evidence: first } = carried.candidate;
      const { baseline } = carried;
      const published = await registry.evidence(taskQueue, digest, first);
      assert.ok(published !== null);
      const evidence = await registry.putEvidence(taskQueue, digest, { ...published, baseline });
      return aTested({ evidence, baseline, roles: [] });
    },
  };
}
