import assert from 'node:assert/strict';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { Monitors } from '../../client/monitors.js';
import { Switchyard } from '../../client/switchyard.js';
import { SEARCH_ATTRIBUTES } from '../../domain/search-attributes.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import {
  startTemporalServer,
  type TemporalServerOptions,
} from '../../scripts/servers/temporal-server.js';
import { until } from '../../testing/until.js';
import { aFolder } from '../adapters/registry/builders.js';
import { LIFECYCLE, soundBucket } from '../adapters/registry/audit/sound-bucket.js';
import { ownBucket } from '../support/own-bucket.js';
import { typeCommand } from '../support/typed-command.js';
import { startWorkerProcess } from '../workers/worker-process.js';

const CONFIG = fileURLToPath(new URL('fixtures/switchyard.config.ts', import.meta.url));
const MODEL = 'adopted';
const QUEUE = 'adopting';

const adoptedSchema = z.looseObject({
  pointers: z.array(
    z.looseObject({ was: z.string(), generation: z.number(), version: z.number().nullable() }),
  ),
  monitors: z.array(z.string()),
  schedules: z.array(z.string()),
  lost: z.array(z.strictObject({ run: z.string(), model: z.string().nullable() })),
  next: z.array(z.string()),
});

describe('switchyard adopt', () => {
  it('makes again what an empty database lacks, from the bucket alone, and may be typed again', async () => {
    await using folder = await aFolder();
    const { store, environment: bucket } = await ownBucket();
    await soundBucket(store, MODEL);
    await store.put(`staging/${LIFECYCLE}/convert/1/model.onnx`, Buffer.from('graph'), 'none');
    const registry = new ObjectRegistry(store);
    const port = await freePort();
    const start = (name: string, searchAttributes: TemporalServerOptions['searchAttributes']) =>
      startTemporalServer({ directory: path.join(folder.path, name), port, searchAttributes });

    const first = await start('first', SEARCH_ATTRIBUTES);
    const environment = {
      ...bucket,
      TEMPORAL_ADDRESS: first.address,
      SWITCHYARD_TASK_QUEUE: QUEUE,
      SWITCHYARD_CONFIG: CONFIG,
      SWITCHYARD_WORK_DIR: path.join(folder.path, 'work'),
    };
    await using worker = await startWorkerProcess(environment);
    await worker.logged('monitors');
    await first.stop();
    await using second = await start('second', {});
    const connection = await Connection.connect({ address: second.address });
    try {
      const client = new Client({ connection });
      const type = async () => {
        const command = ['adopt', '--config', CONFIG, '--json'];
        const ended = await typeCommand(command, { folder: folder.path, environment });
        assert.equal(ended.code, 0, ended.stderr);
        return adoptedSchema.parse(JSON.parse(ended.stdout));
      };
      await until('the worker polls the new server', async () => {
        const { pollers } = await client.workflowService.describeTaskQueue({
          ...{ namespace: 'default', taskQueue: { name: QUEUE } },
        });
        return pollers.length > 0 ? true : undefined;
      });
      const adopted = await type();
      assert.deepEqual(
        adopted.pointers.map(({ was, generation, version }) => [was, generation, version]),
        [['lost', 2, 2]],
      );
      assert.deepEqual([adopted.monitors, adopted.schedules], [[MODEL], [MODEL]]);
      const named = adopted.lost.map(({ run, model }) => [run === LIFECYCLE, model]);
      assert.deepEqual(named.sort(), [
        [false, null],
        [true, MODEL],
      ]);
      assert.ok(adopted.next.includes(`npx switchyard start ${MODEL}`));

      const switchyard = new Switchyard({ client, taskQueue: QUEUE });
      const known = await switchyard.live(MODEL);
      assert.deepEqual([known?.generation, known?.picture?.previous?.version], [2, 1]);
      const { paused } = await new Monitors({ client, taskQueue: QUEUE }).start(MODEL);
      assert.equal(paused, false);
      for (const id of [`retrain/${MODEL}`, `reconcile/${QUEUE}`]) {
        await client.schedule.getHandle(id).describe();
      }

      const leaving = (await registry.live(MODEL))?.state.live ?? '';
      const order = { leaving, by: 'ada', reason: 'the test' };
      const back = await switchyard.fallback(MODEL, order);
      assert.deepEqual([back.kind, back.generation], ['fallen-back', 3]);
      const again = await type();
      assert.deepEqual(
        again.pointers.map(({ was, generation, version }) => [was, generation, version]),
        [['known', 3, 1]],
      );
    } finally {
      await connection.close();
    }
  }).timeout(90_000);
});
