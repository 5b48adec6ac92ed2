import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectSnapshots } from '../../../adapters/snapshots/object-snapshots.js';
import type { DatasetSource, Row } from '../../../domain/ports/dataset-source.js';
import type { ObjectStore } from '../../../domain/ports/object-store.js';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { aDigest, aFolder, failure, uniqueModel } from '../registry/builders.js';
import { unreachable, WatchedStore } from '../registry/watched-store.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { testServers } from '../../../testing/servers.js';

const ROWS: readonly Row[] = [
  { id: 'b', at: '2002-09-02T00:00:00Z', label: 'yes', text: 'where is my order?\n' },
  { id: 'a', at: '2002-09-01T00:00:00Z', label: 'no', text: 'Größe 😀', slice: 'de' },
];

const sourceOf = (rows: readonly Row[]): DatasetSource => ({ rows: () => Promise.resolve(rows) });

function snapshotsSuite(name: string, openStore: () => Promise<ObjectStore>): void {
  describe(name, () => {
    let store: ObjectStore;
    let source: string;
    let snapshots: ObjectSnapshots;

    beforeEach(async () => {
      store = await openStore();
      source = uniqueModel();
      snapshots = new ObjectSnapshots(store, { [source]: sourceOf(ROWS) });
    });

    const keysOf = async () =>
      (await store.list(`datasets/${source}/`)).objects.map(({ key }) => key);

    it('takes rows as JSON lines under the digest of their bytes', async () => {
      const taken = await snapshots.take(source, {});

      const prefix = `datasets/${source}/${taken.digest}/`;
      assert.deepEqual(await keysOf(), [`${prefix}rows.jsonl`, `${prefix}snapshot.json`]);
      const stored = await store.get(`${prefix}rows.jsonl`);
      assert.equal(
        createHash('sha256')
          .update(stored?.bytes ?? '')
          .digest('hex'),
        taken.digest,
      );
      assert.deepEqual(taken, {
        ...{ name: source, digest: taken.digest, rows: 2, labels: ['no', 'yes'] },
      });
    });

    it('gives the same rows the same digest, whatever their order, and writes them once', async () => {
      const first = await snapshots.take(source, {});
      const counted = new WatchedStore(store);
      const turned = new ObjectSnapshots(counted, { [source]: sourceOf([...ROWS].reverse()) });

      assert.deepEqual(await turned.take(source, {}), first);
      assert.ok(!counted.calls.some((call) => call.startsWith('put')));
    });

    it('gives other rows another digest', async () => {
      const first = await snapshots.take(source, {});
      const changed = ROWS.map((row) => ({ ...row, text: `${row.text}!` }));
      const others = new ObjectSnapshots(store, { [source]: sourceOf(changed) });

      assert.notEqual((await others.take(source, {})).digest, first.digest);
      assert.equal((await keysOf()).length, 4);
    });

    it('is taken once by 10 at the same time', async () => {
      const taken = await Promise.all(Array.from({ length: 10 }, () => snapshots.take(source, {})));

      assert.equal(new Set(taken.map(({ digest }) => digest)).size, 1);
      assert.equal((await keysOf()).length, 2);
    });

    it('is whole again when it is taken again after its rows were lost', async () => {
      const taken = await snapshots.take(source, {});
      await store.delete(`datasets/${source}/${taken.digest}/rows.jsonl`);
      assert.deepEqual(await snapshots.take(source, {}), taken);
      assert.equal((await snapshots.rows(taken)).length, 2);
    });

    it('is finished after a crash between its two objects', async () => {
      let writes = 0;
      const crashing = new WatchedStore(store, {
        before: (call) => {
          if (call === 'put') writes += 1;
          if (writes > 1) throw unreachable();
        },
      });
      const sources = { [source]: sourceOf(ROWS) };
      await assert.rejects(
        new ObjectSnapshots(crashing, sources).take(source, {}),
        failure('StoreUnreachable'),
      );
      assert.equal((await keysOf()).length, 1);

      await snapshots.take(source, {});

      assert.equal((await keysOf()).length, 2);
    });

    it('reads back, in order of time', async () => {
      await using folder = await aFolder();
      const taken = await snapshots.take(source, {});

      const rows = await snapshots.rows(taken);
      await snapshots.fetch(taken, join(folder.path, 'rows.jsonl'));

      assert.deepEqual(rows, [
        { ...ROWS[1], at: '2002-09-01T00:00:00.000Z' },
        { ...ROWS[0], at: '2002-09-02T00:00:00.000Z' },
      ]);
      const lines = (await readFile(join(folder.path, 'rows.jsonl'), 'utf8')).trimEnd().split('\n');
      assert.deepEqual(
        lines.map((line): unknown => JSON.parse(line)),
        rows,
      );
    });

    it('hands out rows without customers, and keeps them in its own bytes', async () => {
      const owned = ROWS.map((row) => ({ ...row, customer: 'ada' }));
      const given = new ObjectSnapshots(store, { [source]: sourceOf(owned) });
      const taken = await given.take(source, {});
      await using folder = await aFolder();
      await given.fetch(taken, join(folder.path, 'rows.jsonl'));
      assert.doesNotMatch(await readFile(join(folder.path, 'rows.jsonl'), 'utf8'), /customer|ada/);
      assert.deepEqual(
        (await given.rows(taken)).map(({ customer }) => customer),
        ['ada', 'ada'],
      );
    });

    it('refuses rows that were changed, and leaves no file of them', async () => {
      await using folder = await aFolder();
      const taken = await snapshots.take(source, {});
      const key = `datasets/${source}/${taken.digest}/rows.jsonl`;
      await store.put(key, new TextEncoder().encode('{}\n'), 'none');

      await assert.rejects(snapshots.rows(taken), failure('DigestMismatch', /rows\.jsonl/));
      await assert.rejects(
        snapshots.fetch(taken, join(folder.path, 'rows.jsonl')),
        failure('DigestMismatch'),
      );
      assert.deepEqual(await readdir(folder.path), []);
    });

    it('refuses a description that does not fit the rows', async () => {
      const taken = await snapshots.take(source, {});
      const key = `datasets/${source}/${taken.digest}/snapshot.json`;
      const forged = JSON.stringify({ schemaVersion: 1, ...taken, rows: 3 });
      await store.put(key, new TextEncoder().encode(forged), 'none');
      await assert.rejects(snapshots.take(source, {}), failure('DigestMismatch', /snapshot\.json/));
      await store.put(key, new TextEncoder().encode('[]'), 'none');
      await assert.rejects(snapshots.take(source, {}), failure('StoreRefused', /snapshot\.json/));
    });

    it('says which snapshot is not there', async () => {
      await using folder = await aFolder();
      const missing = { name: source, digest: aDigest('x'), rows: 1, labels: [] };

      await assert.rejects(snapshots.rows(missing), failure('StoreRefused', /take the snapshot/));
      await assert.rejects(
        snapshots.fetch(missing, join(folder.path, 'rows.jsonl')),
        failure('StoreRefused'),
      );
    });

    it('refuses references with names that are none', async () => {
      await using folder = await aFolder();
      const good = { name: source, digest: aDigest('x'), rows: 1, labels: [] };
      for (const bad of [
        { ...good, name: '../x' },
        { ...good, digest: '../../models' },
      ]) {
        await assert.rejects(snapshots.rows(bad), failure('InvalidName'));
        await assert.rejects(snapshots.fetch(bad, join(folder.path, 'x')), failure('InvalidName'));
      }
      const sources = { '../x': sourceOf(ROWS) };
      await assert.rejects(
        new ObjectSnapshots(store, sources).take('../x', {}),
        failure('InvalidName'),
      );
    });
  });
}

snapshotsSuite('ObjectSnapshots in memory', () => Promise.resolve(new MemoryObjectStore()));

describe('ObjectSnapshots on S3', () => {
  const stores: S3ObjectStore[] = [];
  after(() => stores.forEach((store) => store.close()));

  snapshotsSuite('ObjectSnapshots', async () => {
    const { s3 } = await testServers();
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = s3;
    const credentials = { accessKeyId, secretAccessKey };
    const store = new S3ObjectStore({ endpoint, region, bucket, credentials });
    stores.push(store);
    return store;
  });
});

describe('ObjectSnapshots.take', () => {
  const store = new MemoryObjectStore();
  const snapshots = new ObjectSnapshots(store, { mails: sourceOf(ROWS), merchants: sourceOf([]) });

  it('names the nearest source for one that is misspelt', async () => {
    await assert.rejects(
      snapshots.take('mials', {}),
      failure('UnknownDataSource', /"mials"; did you mean "mails"\? \(it has mails, merchants/),
    );
  });

  it('knows no source by a name that every object has', async () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      await assert.rejects(snapshots.take(name, {}), failure('UnknownDataSource'));
    }
    await assert.rejects(
      new ObjectSnapshots(store, {}).take('mails', {}),
      failure('UnknownDataSource', /it has none/),
    );
  });

  it('refuses rows that make no data set, and writes nothing', async () => {
    await assert.rejects(
      snapshots.take('merchants', {}),
      failure('InvalidDataset', /"merchants" .* no rows/),
    );
    await assert.rejects(
      snapshots.take('mails', { from: '2002-09-02T00:00:00Z' }),
      failure('InvalidDataset', /row "a" is of 2002-09-01/),
    );
    assert.deepEqual((await store.list('')).objects, []);
  });
});
