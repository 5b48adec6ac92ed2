import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { OpenWorkflows } from '../../client/open-work.js';
import { aDigest, until } from '../../testing/index.js';
import { testServers } from '../../testing/servers.js';

describe('OpenWorkflows', () => {
  it('finds what open workflows name, users’ own too, and the state of runs', async () => {
    const { temporal } = await testServers();
    const connection = await Connection.connect({ address: temporal.address });
    const client = new Client({ connection, namespace: temporal.namespace });
    try {
      const name = randomUUID();
      const digest = aDigest(name);
      const handle = await client.workflow.start('aWorkflowOfAUser', {
        workflowId: `lifecycle/model-of-a-user/${name}`,
        taskQueue: `nobody-${name}`,
        args: [{ snapshot: { digest } }],
      });
      const naming = ['monitorModel', 'followUp', 'reconcile'].map((type) =>
        client.workflow.start(type, {
          workflowId: `${type}-${name}`,
          taskQueue: `nobody-${name}`,
          args: [{ digest: aDigest(`named ${name}`) }],
        }),
      );
      const started = await Promise.all(naming);
      const run = handle.firstExecutionRunId;
      const open = new OpenWorkflows(client);
      const work = await until('it is listed', async () => {
        const found = await open.work();
        return found.digests.has(digest) ? found : undefined;
      });
      assert.ok(work.since !== null && work.since <= new Date());
      assert.ok(!work.digests.has(aDigest(`named ${name}`)), 'they need nothing of what they name');
      for (const each of started) await each.terminate('the test is over');
      const states = await open.runs([run, randomUUID()]);
      assert.deepEqual(states.get(run), { model: 'model-of-a-user', state: 'open' });
      await handle.terminate('the test is over');
      await until('it has ended', async () => {
        const ended = await open.runs([run]);
        return ended.get(run)?.state === 'ended' ? true : undefined;
      });
      assert.ok(!(await open.work()).digests.has(digest));
      const nobody = randomUUID();
      assert.equal((await open.runs([nobody])).get(nobody), undefined);
    } finally {
      await connection.close();
    }
  });
});
