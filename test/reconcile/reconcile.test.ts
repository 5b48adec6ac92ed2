import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { putReconcileSchedule } from '../../client/reconcile-schedule.js';
import { reconcileOutcomeSchema } from '../../domain/reconcile/outcome.js';
import { until } from '../../testing/until.js';
import { reconcileScheduleId } from '../../workflows/reconcile-messages.js';
import { deployWorld, report, type DeployWorld } from './half-deploys.js';

const endsOf = ({ rows }: Awaited<ReturnType<DeployWorld['reconcile']>>) =>
  rows.map(({ kind, end }) => `${kind}: ${end}`);

describe('reconcile', () => {
  it('puts back what was live before a run that was terminated in the middle of its deploy, once for two that look at once', async () => {
    await using world = await deployWorld('cut off');
    const [first, second] = world.versions.map(({ digest }) => digest);
    await world.carry(1);
    const before = (await world.registry.live(world.model))?.state;
    const workflowId = await world.beginDeploy(2);
    const during = await world.reconcile();
    assert.deepEqual(endsOf(during), [], 'its run is open');

    await world.rig.client.workflow.getHandle(workflowId).terminate('the test');
    const both = await Promise.all([world.reconcile(), world.reconcile()]);
    assert.ok(both.some((each) => endsOf(each).includes('half-deploy: repaired')));
    assert.deepEqual(await world.live(), { live: first, generation: 3 });
    const after = (await world.registry.live(world.model))?.state;
    assert.deepEqual(after?.served, before?.served, 'exactly what was remembered before');
    const [row] = both.flatMap(({ rows }) => rows);
    assert.match(row?.sentence ?? '', /version 2 was promoted by the run .* cut off/);
    assert.equal(row?.note, `${first?.slice(0, 12)} is live again`);
    assert.deepEqual(endsOf(await world.reconcile()), []);

    // the same version again, by another lifecycle that serves: it is not the first one's to take back
    await world.carry(2);
    assert.deepEqual(endsOf(await world.reconcile()), []);
    assert.deepEqual(await world.live(), { live: second, generation: 4 });
  }).timeout(30_000);

  it('leaves a run alone that undid its own, and one that was reset until that ends without having come to promote again', async () => {
    await using world = await deployWorld('reset');
    await world.carry(1);
    const [first, second] = world.versions.map(({ digest }) => digest);
    const { client } = world.rig;
    const cancelled = client.workflow.getHandle(await world.beginDeploy(3));
    await cancelled.cancel();
    await assert.rejects(cancelled.result());
    assert.deepEqual(await world.live(), { live: first, generation: 3 });

    const handle = client.workflow.getHandle(await world.beginDeploy(2));
    world.hold();
    const runId = await resetToStart(client, handle.workflowId);
    const old = await client.workflow.getHandle(handle.workflowId, runId).describe();
    assert.equal(old.status.name, 'TERMINATED');
    assert.deepEqual(endsOf(await world.reconcile()), []);
    assert.deepEqual(await world.live(), { live: second, generation: 4 });

    await handle.cancel();
    await assert.rejects(handle.result());
    assert.deepEqual(await world.live(), { live: second, generation: 4 });
    assert.deepEqual(endsOf(await world.reconcile()), ['half-deploy: repaired']);
    assert.deepEqual(await world.live(), { live: first, generation: 5 });
    assert.deepEqual(endsOf(await world.reconcile()), []);
  }).timeout(30_000);

  it('leaves what a completed run brought live, also where that run is reset and then cut off', async () => {
    await using world = await deployWorld('reset-after');
    await world.carry(1);
    const workflowId = await world.carry(2);
    const before = await world.live();
    const { client } = world.rig;
    const handle = client.workflow.getHandle(workflowId);
    world.hold();
    await resetToStart(client, workflowId);
    await handle.terminate('the test');
    assert.equal((await handle.describe()).status.name, 'TERMINATED');
    assert.deepEqual(endsOf(await world.reconcile()), []);
    assert.deepEqual(await world.live(), before);
  }).timeout(30_000);

  it('lets no fallback go to what a terminated run promoted and another has promoted over', async () => {
    await using world = await deployWorld('under');
    const { model, rig } = world;
    await world.carry(1);
    await rig.client.workflow.getHandle(await world.beginDeploy(2)).terminate('the test');
    await world.carry(3);
    const [first, , third] = world.versions.map(({ digest }) => digest);
    const looked = await world.reconcile();
    assert.deepEqual(endsOf(looked), ['half-deploy: repaired']);
    assert.match(looked.rows[0]?.note ?? '', / is live and stays; no fallback goes back to it$/);
    assert.deepEqual(await world.live(), { live: third, generation: 4 });
    assert.deepEqual(endsOf(await world.reconcile()), []);
    const order = { leaving: third ?? '', by: 'grace', reason: 'wrong queues' };
    assert.equal((await rig.switchyard.fallback(model, order)).kind, 'fallen-back');
    assert.deepEqual(await world.live(), { live: first, generation: 5 });
  }).timeout(30_000);

  it('lets a run that undid its promotion be reset and go live: it has tries of its own', async () => {
    await using world = await deployWorld('again');
    await world.carry(1);
    const { client } = world.rig;
    const [, second] = world.versions;
    const handle = client.workflow.getHandle(await world.beginDeploy(2));
    await handle.cancel();
    await assert.rejects(handle.result());
    assert.equal((await world.live()).generation, 3);
    await report(world.registry, world.model, second?.digest ?? null);
    await resetToStart(client, handle.workflowId);
    assert.equal((await world.rig.switchyard.outcome(handle.workflowId)).outcome, 'live');
    assert.deepEqual(await world.live(), { live: second?.digest, generation: 4 });
  }).timeout(30_000);

  it('lets liveModel adopt a change that was made past it, and starts it where it was lost', async () => {
    await using world = await deployWorld('behind');
    await world.carry(1);
    await world.carry(2);
    const leaving = world.versions[1]?.digest ?? '';
    const past = new Date(Date.now() - 60_000);
    const direct = await registryAt(world, past).changeLive(
      world.model,
      { kind: 'fallback', leaving },
      `direct/${randomUUID()}`,
    );
    assert.equal(direct.kind, 'fallen-back');
    assert.deepEqual(endsOf(await world.reconcile()), ['live-model-behind: repaired']);
    assert.equal((await world.rig.switchyard.live(world.model))?.generation, 3);

    const handle = world.rig.client.workflow.getHandle(`live/${world.model}`);
    await handle.terminate('the test');
    assert.deepEqual(endsOf(await world.reconcile()), ['live-model-behind: repaired']);
    assert.equal((await world.rig.switchyard.live(world.model))?.generation, 3);
    assert.deepEqual(endsOf(await world.reconcile()), []);
  }).timeout(30_000);

  it('sweeps what ended runs staged, never what an open one did, and opens one follow-up of what it can only report', async () => {
    await using world = await deployWorld('orphans', { retention: { staging: '1 ms' } });
    await world.carry(1);
    const open = await world.beginDeploy(2);
    const ended = await world.rig.client.workflow.start('modelLifecycle', {
      ...{ workflowId: `lifecycle/${world.model}/ended`, taskQueue: 'nobody' },
      args: [{ model: world.model }],
    });
    await ended.terminate('the test');
    const { runId } = await world.rig.client.workflow.getHandle(open).describe();
    const staged = [runId, ended.firstExecutionRunId].map((run) => `staging/${run}/retrain/1/a`);
    for (const key of staged) await world.store.put(key, Buffer.from('bytes'), 'none');
    const file = `models/${world.model}/versions/2/model.onnx`;
    const bytes = (await world.store.get(file))?.bytes ?? assert.fail('there is no model.onnx');
    await world.store.put(file, bytes.slice(1), 'none');

    const found = await until('the listing shows the ended run', async () => {
      const outcome = await world.reconcile();
      return outcome.rows.some(({ kind }) => kind === 'orphaned-staging') ? outcome : undefined;
    });
    assert.deepEqual(endsOf(found), ['live-incomplete: reported', 'orphaned-staging: repaired']);
    const left = (await world.store.list('staging/')).objects.map(({ key }) => key);
    assert.deepEqual(left, staged.slice(0, 1));
    assert.deepEqual(endsOf(await world.reconcile()), ['live-incomplete: reported']);
    const followUps = [];
    const query = `WorkflowType = "followUp" AND TaskQueue = "${world.rig.taskQueue}"`;
    for await (const info of world.rig.client.workflow.list({ query })) followUps.push(info);
    assert.equal(followUps.length, 1);
    assert.match(followUps[0]?.workflowId ?? '', /\/reconcile-live-incomplete-[0-9a-f]{12}$/);
    await world.rig.client.workflow.getHandle(open).cancel();
    for (const { workflowId } of followUps) {
      await world.rig.client.workflow.getHandle(workflowId).terminate('the test');
    }
  }).timeout(30_000);

  it('runs by its schedule, and hands on from run to run since when a replica is behind', async () => {
    await using world = await deployWorld('scheduled');
    await world.carry(1);
    await report(world.registry, world.model, null);
    const { client, taskQueue } = world.rig;
    const place = { client, taskQueue };
    assert.equal(await putReconcileSchedule(place, { every: '1 second' }), 'created');
    try {
      const since = await until('a second run knows of the first', async () => {
        await report(world.registry, world.model, null);
        const found: string[] = [];
        const query = `WorkflowType = "reconcile" AND TaskQueue = "${taskQueue}" AND ExecutionStatus = "Completed"`;
        for await (const info of client.workflow.list({ query })) {
          const result: unknown = await client.workflow.getHandle(info.workflowId).result();
          found.push(...reconcileOutcomeSchema.parse(result).suspects.map((each) => each.since));
        }
        return found.length >= 2 ? found : undefined;
      });
      assert.equal(new Set(since).size, 1);
      assert.equal(await putReconcileSchedule(place, { every: '1 hour' }), 'updated');
      const { spec, policies } = await client.schedule
        .getHandle(reconcileScheduleId(taskQueue))
        .describe();
      assert.equal(spec.intervals?.[0]?.every, 3_600_000);
      assert.equal(policies.overlap, 'SKIP');
    } finally {
      assert.equal(await putReconcileSchedule(place, false), 'deleted');
    }
    assert.equal(await putReconcileSchedule(place, false), 'absent');
  }).timeout(30_000);
});

/** A writer whose clock is another: what it writes is not of just now. */
function registryAt(world: DeployWorld, now: Date) {
  return new ObjectRegistry(world.store, { now: () => now });
}

/** Resets a workflow to its first task; resolves to the run that this ended. */
async function resetToStart(client: Client, workflowId: string): Promise<string> {
  const handle = client.workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const task = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  await client.workflowService.resetWorkflowExecution({
    ...{ namespace: client.options.namespace, requestId: randomUUID(), reason: 'the test' },
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId: task?.eventId ?? assert.fail('no task was done'),
  });
  return runId;
}
