import assert from 'node:assert/strict';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { registrySuite } from '../../ports/registry.suite.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { testServers } from '../../../testing/servers.js';
import { aDigest } from './builders.js';

registrySuite('ObjectRegistry in memory', () => Promise.resolve(new MemoryObjectStore()));

describe('ObjectRegistry on S3', () => {
  const stores: S3ObjectStore[] = [];
  after(() => stores.forEach((store) => store.close()));

  registrySuite('ObjectRegistry', async () => {
    const { s3 } = await testServers();
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
    const credentials = { accessKeyId, secretAccessKey };
    const store = new S3ObjectStore({ endpoint, region, bucket, credentials });
    stores.push(store);
    return store;
  });
});

describe('ObjectRegistry by the store’s clock', () => {
  it('counts a replica for 10 s, whatever the local clock says', async () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    const registry = new ObjectRegistry(new MemoryObjectStore(() => new Date(now)));
    const report = { replica: 'one', digest: aDigest('a'), generation: 1, problem: null };
    await registry.reportReplica('model', report);

    now += 9_999;
    assert.deepEqual(await registry.liveReplicas('model'), [report]);
    now += 1;
    assert.deepEqual(await registry.liveReplicas('model'), []);
    await registry.reportReplica('model', report);
    assert.deepEqual(await registry.liveReplicas('model'), [report]);
  });
});
