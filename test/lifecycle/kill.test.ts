import assert from 'node:assert/strict';
import { auditBucket } from '../../adapters/registry/audit/audit-bucket.js';
import { isPortError } from '../../domain/failures.js';
import { classify } from '../../scripts/demo/endpoint-client.js';
import { until } from '../../testing/until.js';
import { approveBoth, evidenceFor, kill, openProcessLine, type ProcessLine } from './processes.js';

const ANSWER = { decision: 'approved', by: 'ada@example.com', reason: 'reads well' } as const;

describe('a lifecycle in real processes', () => {
  it('goes live once when its worker is killed while it converts', async () => {
    await using line = await openProcessLine('killed-in-convert');
    const [worker, endpoint] = await Promise.all([line.startWorker(), line.startEndpoint()]);
    const { workflowId, runId } = await line.switchyard.start({ model: line.model });
    await until('it converts', async () => {
      const { stage } = await line.switchyard.status(workflowId);
      return stage === 'convert' ? stage : undefined;
    });
    await kill(worker);
    await line.startWorker();
    await approveBoth(line.switchyard, workflowId);
    assert.equal((await line.switchyard.outcome(workflowId)).outcome, 'live');
    await assertLiveOnce(line, runId);
    const { labels } = await classify(endpoint.url, line.model, ['where is my parcel']);
    assert.deepEqual(labels, ['delivery']);
  }).timeout(90_000);

  it('takes decisions that were sent while no worker lived, and right after one came up', async () => {
    await using line = await openProcessLine('killed-while-waiting');
    const [worker] = await Promise.all([line.startWorker(), line.startEndpoint()]);
    const { workflowId, runId } = await line.switchyard.start({ model: line.model });
    const evidence = await evidenceFor(line.switchyard, workflowId, 'data-science');
    await kill(worker);
    await line.switchyard.signalDecision(workflowId, { ...ANSWER, role: 'data-science', evidence });
    await line.startWorker();
    const answer = await line.switchyard.decide(workflowId, {
      ...ANSWER,
      role: 'engineering',
      evidence,
    });
    assert.deepEqual(answer, { waitingFor: [] });
    const outcome = await line.switchyard.outcome(workflowId);
    assert.equal(outcome.outcome, 'live');
    assert.deepEqual(
      outcome.decisions.map(({ role }) => role),
      ['data-science', 'engineering'],
    );
    await assertLiveOnce(line, runId);
  }).timeout(90_000);

  it('leaves live as it was when no replica serves the new version in time', async () => {
    await using line = await openProcessLine('without-replica');
    const [, endpoint] = await Promise.all([line.startWorker(), line.startEndpoint()]);
    const first = await line.switchyard.start({ model: line.model });
    await approveBoth(line.switchyard, first.workflowId);
    const before = await line.switchyard.outcome(first.workflowId);
    assert.ok(before.outcome === 'live');
    await endpoint.stop();

    const second = await line.switchyard.start({ model: line.model, parameters: { c: 2 } });
    await approveBoth(line.switchyard, second.workflowId);
    await assert.rejects(
      line.switchyard.outcome(second.workflowId),
      (error) =>
        isPortError(error) &&
        error.type === 'ReplicasNotReady' &&
        /start an endpoint/.test(error.message),
    );
    const { state } = (await line.registry.live(line.model)) ?? assert.fail('live.json is gone');
    assert.deepEqual([state.live, state.generation], [before.digest, 3]);
    const { ledger, version } = await line.switchyard.status(second.workflowId);
    assert.equal(version, 2);
    assert.deepEqual(
      ledger.map(({ step, end }) => `${step}: ${end}`),
      ['promotion of version 2: restored', 'staging: restored'],
    );
    for (const { runId } of [first, second]) {
      assert.deepEqual(await keysOf(line, `staging/${runId}/`), []);
    }
  }).timeout(90_000);
});

/** One version, one write of `live.json`, nothing staged. */
async function assertLiveOnce(line: ProcessLine, run: string): Promise<void> {
  const [version, ...others] = await line.registry.versions(line.model);
  assert.deepEqual(others, []);
  const claims = await keysOf(line, `models/${line.model}/versions/`);
  assert.deepEqual(claims.filter((key) => key.endsWith('/claim.json')).length, 1);
  const { state } = (await line.registry.live(line.model)) ?? assert.fail('there is no live.json');
  assert.deepEqual([state.live, state.generation], [version?.digest, 1]);
  assert.deepEqual(await keysOf(line, `staging/${run}/`), []);
  const { problems } = await auditBucket(line.store, { model: line.model });
  assert.deepEqual(problems, []);
}

async function keysOf(line: ProcessLine, prefix: string): Promise<readonly string[]> {
  return (await line.store.list(prefix)).objects.map(({ key }) => key);
}
