import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { daysBack, findRequest } from '../../../adapters/prediction-log/find-request.js';
import type { ChunkedRequest } from '../../../adapters/prediction-log/row-chunk.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { A_RUNTIME, aLogged, logFile } from '../../support/log-files.js';
import { ownBucket } from '../../support/own-bucket.js';
import { failure } from '../registry/builders.js';
import { PortError } from '../../../domain/failures.js';

const MODEL = 'tickets';
const DAY = new Date('2026-05-02T00:00:00Z');

/** A log in memory that counts what is read of it. */
class CountingStore extends MemoryObjectStore {
  readBytes = 0;
  down = false;

  override async getRange(key: string, from: number, until: number) {
    if (this.down) throw new PortError('StoreUnreachable', 'the store is away');
    const part = await super.getRange(key, from, until);
    this.readBytes += part?.length ?? 0;
    return part;
  }
}

async function append(
  store: MemoryObjectStore,
  at: string,
  requests: readonly ChunkedRequest[],
  model = MODEL,
): Promise<number> {
  const bytes = logFile(model, requests);
  const name = `${at.replaceAll(/\D/g, '')}.parquet`;
  await new ObjectRegistry(store).appendPredictions(model, new Date(at), name, bytes);
  return bytes.length;
}

const find = (store: MemoryObjectStore, requestId: string, days: readonly Date[] = [DAY]) =>
  findRequest(store, { models: [MODEL], requestId, days });

describe('findRequest', () => {
  it('gives all rows of a request with everything that ran it', async () => {
    const store = new MemoryObjectStore();
    const x = {
      name: 'x',
      datatype: 'FP32' as const,
      shape: [2, 1, 2],
      data: Float32Array.of(-0, 1, 2, 3),
    };
    const y = {
      name: 'y',
      datatype: 'INT64' as const,
      shape: [2],
      data: BigInt64Array.of(1n, 2n ** 60n),
    };
    const request = aLogged({
      ...{ requestId: 'numbers', at: new Date('2026-05-02T09:30:00.250Z'), rows: 2 },
      ...{ batchRows: 9, inputs: [x], outputs: [y] },
    });
    await append(store, '2026-05-02T09:00:00Z', [aLogged(), request, aLogged()]);
    const { request: found } = await find(store, 'numbers');
    assert.deepEqual(found, {
      ...{ model: MODEL, requestId: 'numbers', at: '2026-05-02T09:30:00.250Z', version: 1 },
      ...{ digest: request.digest, artifact: 'model.onnx', runtime: A_RUNTIME, rows: 2 },
      ...{ batchRows: 9, latencyMs: 1.5, error: null, inputs: [x], inputsSha256: null },
      outputs: [y],
    });
  });

  it('reads of files that do not have it only their end and their ids', async () => {
    const { store: s3 } = await ownBucket();
    const store = new CountingStore();
    const many = (hour: number) =>
      Array.from({ length: 1_000 }, (_, index) =>
        aLogged({ requestId: `r-${hour}-${index}` }, randomBytes(1_000).toString('hex')),
      );
    let bytes = 0;
    for (const hour of [10, 11, 12]) {
      const at = `2026-05-02T${hour}:00:00Z`;
      bytes += await append(store, at, many(hour));
      const [listed] = (await store.list(`predictions/${MODEL}/2026-05-02/${hour}`)).objects;
      const stored = await store.get(listed?.key ?? '');
      await s3.put(listed?.key ?? '', stored?.bytes ?? new Uint8Array(), 'none');
    }
    const absent = await find(store, 'nobody');
    assert.deepEqual([absent.request, absent.files], [null, 3]);
    assert.ok(store.readBytes < bytes / 10, `${store.readBytes} of ${bytes} bytes were read`);
    const newest = await findRequest(s3, { models: [MODEL], requestId: 'r-12-999', days: [DAY] });
    assert.deepEqual([newest.request?.requestId, newest.files], ['r-12-999', 1]);
  });

  it('takes the newest of several, looks into the hour before a day, and no further', async () => {
    const store = new MemoryObjectStore();
    const at = (time: string) => ({ requestId: 'twice', at: new Date(time) });
    await append(store, '2026-05-02T09:00:00Z', [aLogged(at('2026-05-02T09:00:00Z'))]);
    await append(store, '2026-05-02T10:00:00Z', [
      aLogged(at('2026-05-02T10:00:00Z')),
      aLogged(at('2026-05-02T10:00:01Z')),
    ]);
    assert.equal((await find(store, 'twice')).request?.at, '2026-05-02T10:00:01.000Z');
    const late = { requestId: 'after midnight', at: new Date('2026-05-02T00:00:01Z') };
    await append(store, '2026-05-01T23:59:59Z', [aLogged(), aLogged(late)]);
    await append(store, '2026-05-01T22:00:00Z', [aLogged({ requestId: 'the day before' })]);
    assert.equal((await find(store, 'after midnight')).request?.at, '2026-05-02T00:00:01.000Z');
    assert.equal((await find(store, 'the day before')).request, null);
    const days = daysBack(new Date('2026-05-03T17:00:00Z'), 3);
    assert.equal((await find(store, 'the day before', days)).request?.requestId, 'the day before');
  });

  it('passes by a file that is none, and says so; a store that is away it does not pass by', async () => {
    const store = new CountingStore();
    await append(store, '2026-05-02T09:00:00Z', [aLogged({ requestId: 'whole' })]);
    const key = `predictions/${MODEL}/2026-05-02/10/torn.parquet`;
    await store.put(key, logFile(MODEL, [aLogged()]).slice(0, -20), 'none');
    const { request, unreadable } = await find(store, 'whole');
    assert.deepEqual([request?.requestId, unreadable], ['whole', [key]]);
    store.down = true;
    await assert.rejects(find(store, 'whole'), failure('StoreUnreachable'));
  });
});
