import assert from 'node:assert/strict';
import { Client, Connection } from '@temporalio/client';
import { Switchyard } from '../../client/switchyard.js';
import { isPortError } from '../../domain/failures.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { approveBoth, openProcessLine, storeOf } from '../lifecycle/processes.js';
import { createTinyMails } from '../lifecycle/fixtures/tiny-mails.js';
import { until } from '../../testing/until.js';
import { testServers } from '../../testing/servers.js';
import { parse, startWorkerProcess } from './worker-process.js';

async function connect(taskQueue: string) {
  const { temporal } = await testServers();
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  return {
    client,
    switchyard: new Switchyard({ client, taskQueue }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

describe('a worker in operation', () => {
  it('counts and logs a whole lifecycle, without texts, customers or secrets', async () => {
    const { s3 } = await testServers();
    await using line = await openProcessLine('operated');
    await using folder = await temporaryFolder();
    await using worker = await startWorkerProcess({
      SWITCHYARD_TASK_QUEUE: line.model,
      SWITCHYARD_WORK_DIR: folder.path,
      SWITCHYARD_METRICS_PORT: '0',
      SWITCHYARD_LOG_LEVEL: 'debug',
    });
    const url = String((await worker.logged('metrics and health'))['url']);
    await until('it is ready', async () =>
      (await fetch(`${url}/health/ready`)).status === 200 ? true : undefined,
    );
    assert.equal((await fetch(`${url}/health/live`)).status, 200);
    assert.equal((await fetch(`${url}/else`)).status, 404);
    await line.startEndpoint();
    const { workflowId, runId } = await line.switchyard.start({ model: line.model });
    await approveBoth(line.switchyard, workflowId);
    const outcome = await line.switchyard.outcome(workflowId);
    assert.ok(outcome.outcome === 'live');
    await line.switchyard.fallback(line.model, { leaving: 'a'.repeat(64), by: 'a', reason: 'b' });

    const metrics = await (await fetch(`${url}/metrics`)).text();
    for (const sample of [
      /^switchyard_lifecycles_total\{.*model="operated",.*outcome="live".*\} 1$/m,
      /^switchyard_decisions_total\{answer="approved",.*\} 2$/m,
      /^switchyard_gates_total\{metric="accuracy",model="operated",.*verdict="passed",.*\} 1$/m,
      /^switchyard_live_changes_total\{kind="promoted",model="operated",.*\} 1$/m,
      /^switchyard_live_changes_total\{kind="already-done",model="operated",.*\} 1$/m,
      /^switchyard_fallback_seconds_count\{model="operated",.*\} 1$/m,
      /^switchyard_stage_seconds_bucket\{model="operated",.*stage="approve",.*le="604800"\} 1$/m,
      /^switchyard_trainer_runs_total\{command="train",end="done",trainer="tickets"\} 1$/m,
      /^switchyard_trainer_seconds_count\{command="convert",trainer="tickets"\} 1$/m,
      /^temporal_workflow_completed_total\{/m,
      /^temporal_activity_schedule_to_start_latency_seconds_bucket\{/m,
      /^process_resident_memory_bytes \d+/m,
    ]) {
      assert.match(metrics, sample);
    }

    const lines = worker.lines.map(parse);
    assert.ok(lines.every((each) => typeof each['level'] === 'number'));
    const ends = lines.filter(({ msg }) => msg === 'done');
    const trained = ends.find(({ activity }) => activity === 'trainModel');
    assert.deepEqual(
      [trained?.['model'], trained?.['lifecycle'], trained?.['run'], trained?.['attempt']],
      ['operated', workflowId, runId, 1],
    );
    const measured = ends.find(({ activity }) => activity === 'measureQuality');
    assert.deepEqual(
      [measured?.['version'], measured?.['digest']],
      [1, outcome.digest.slice(0, 12)],
    );
    const stages = lines.filter(({ msg }) => msg === 'stage');
    assert.deepEqual(
      stages.map(({ stage }) => stage),
      ['retrain', 'convert', 'test', 'approve', 'deploy', 'ended'],
    );
    const [deploy] = stages.filter(({ stage }) => stage === 'deploy');
    assert.deepEqual(
      [deploy?.['lifecycle'], deploy?.['run'], deploy?.['version'], deploy?.['digest']],
      [workflowId, runId, 1, outcome.digest.slice(0, 12)],
    );
    const log = worker.lines.join('\n');
    for (const { text } of await createTinyMails().rows({})) assert.ok(!log.includes(text), text);
    for (const secret of [s3.secretAccessKey, s3.accessKeyId, 'zebulon']) {
      assert.ok(!log.includes(secret), secret);
    }

    worker.signal('SIGTERM');
    assert.deepEqual(await worker.ended, { code: 0, signal: null });
  }).timeout(90_000);

  it('hands a training over at SIGTERM, which goes on from its checkpoint', async () => {
    const model = 'handed-over';
    await using to = await connect(model);
    await using folder = await temporaryFolder();
    const environment = {
      SWITCHYARD_TASK_QUEUE: model,
      SWITCHYARD_WORK_DIR: folder.path,
      SWITCHYARD_SHUTDOWN_GRACE: '1 second',
    };
    await using first = await startWorkerProcess(environment);
    const { workflowId, runId } = await to.switchyard.start({ model });
    const store = storeOf(await testServers());
    await until('there is a checkpoint', async () => {
      const { objects } = await store.list(`staging/${runId}/checkpoints/`);
      return objects.length > 1 ? true : undefined;
    });
    const toldAt = Date.now();
    first.signal('SIGTERM');
    assert.deepEqual(await first.ended, { code: 0, signal: null });
    assert.ok(Date.now() - toldAt < 8_000, `${Date.now() - toldAt} ms`);

    await using second = await startWorkerProcess(environment);
    await assert.rejects(
      to.switchyard.outcome(workflowId),
      (error) => isPortError(error) && /went on after \d/.test(error.message),
    );
    second.signal('SIGINT');
    assert.deepEqual(await second.ended, { code: 0, signal: null });
  }).timeout(60_000);

  it('ends at once at a second signal', async () => {
    const model = 'handed-over';
    await using to = await connect(`${model}-again`);
    await using folder = await temporaryFolder();
    await using worker = await startWorkerProcess({
      SWITCHYARD_TASK_QUEUE: `${model}-again`,
      SWITCHYARD_WORK_DIR: folder.path,
      SWITCHYARD_SHUTDOWN_GRACE: '1 minute',
    });
    const { workflowId, runId } = await to.switchyard.start({ model });
    const store = storeOf(await testServers());
    await until('it trains', async () => {
      const { objects } = await store.list(`staging/${runId}/checkpoints/`);
      return objects.length > 0 ? true : undefined;
    });
    worker.signal('SIGTERM');
    await worker.logged('stopping: no new work is taken');
    const toldAt = Date.now();
    worker.signal('SIGTERM');
    assert.deepEqual(await worker.ended, { code: 143, signal: null });
    assert.ok(Date.now() - toldAt < 2_000);
    await to.client.workflow.getHandle(workflowId).terminate('the test is over');
  }).timeout(60_000);
});
