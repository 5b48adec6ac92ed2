import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { ObjectSnapshots } from '../../../adapters/snapshots/object-snapshots.js';
import { aFolder, aManifest } from '../../adapters/registry/builders.js';
import { ownBucket } from '../../support/own-bucket.js';
import { testServers } from '../../../testing/servers.js';
import { typeCommand } from '../../support/typed-command.js';

const CONFIG = fileURLToPath(
  new URL('../../lifecycle/fixtures/switchyard.config.ts', import.meta.url),
);
/** A model of that configuration; nothing of it is in this test's bucket but what the test puts there. */
const MODEL = 'without-replica';
const ADA = 'Ada Lovelace';

const planSchema = z.looseObject({
  plan: z.string(),
  items: z.array(z.looseObject({ kind: z.string(), name: z.string(), isDeleted: z.boolean() })),
});

/** A bucket of its own, and commands that are typed to it. */
async function aPlace() {
  const { temporal } = await testServers();
  const bucket = await ownBucket();
  const folder = await aFolder();
  const environment = {
    ...bucket.environment,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
  };
  return {
    ...bucket,
    type: (...args: readonly string[]) => typeCommand(args, { folder: folder.path, environment }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('switchyard sweep', () => {
  it('shows what retention would delete, and deletes exactly that when it is told the plan', async () => {
    await using place = await aPlace();
    const { store, type } = place;
    const old = new Date(Date.now() - 100 * 86_400_000);
    const young = new Date();
    const registry = new ObjectRegistry(store);
    await registry.appendPredictions(MODEL, old, 'old.parquet', Buffer.from('{}\n'));
    await registry.appendPredictions(MODEL, young, 'young.parquet', Buffer.from('{}\n'));
    await store.put(`staging/${randomUUID()}/retrain/1/model.bin`, Buffer.from('bytes'), 'none');

    const shown = await type('sweep', '--config', CONFIG);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(
      shown.stdout,
      /would be deleted: 1 things, 3 bytes\n {2}predictions {2}without-replica /,
    );
    assert.match(shown.stdout, /stays: 2 things/);
    const plan = /next: {3}npx switchyard sweep --delete --plan ([0-9a-f]{12})/.exec(
      shown.stdout,
    )?.[1];
    assert.ok(plan, shown.stdout);
    const json = await type('sweep', '--config', CONFIG, '--json');
    const { items, plan: digest } = planSchema.parse(JSON.parse(json.stdout));
    assert.ok(digest.startsWith(plan));
    assert.deepEqual(
      items.map(({ kind, isDeleted }) => [kind, isDeleted]),
      [
        ['predictions', true],
        ['predictions', false],
        ['staging', false],
      ],
    );

    const withoutPlan = await type('sweep', '--config', CONFIG, '--delete');
    assert.deepEqual([withoutPlan.code, withoutPlan.stdout], [2, '']);
    assert.match(withoutPlan.stderr, /^sweep --delete needs --plan: [^\n]+\n$/);
    const another = await type('sweep', '--config', CONFIG, '--delete', '--plan', 'a'.repeat(12));
    assert.equal(another.code, 1);
    assert.match(
      another.stderr,
      new RegExp(`^the plan is ${plan} now, not aaaaaaaaaaaa: [^\\n]+\\n$`),
    );
    assert.equal((await store.list('predictions/')).objects.length, 2);

    const deleted = await type('sweep', '--config', CONFIG, '--delete', '--plan', plan);
    assert.equal(deleted.code, 0, deleted.stderr);
    assert.match(deleted.stdout, /^1 things deleted: 1 objects, 3 bytes\n/);
    const left = (await store.list('predictions/')).objects.map(({ key }) => key);
    assert.deepEqual(
      left.map((key) => key.split('/').at(-1)),
      ['young.parquet'],
    );
  }).timeout(60_000);

  it('says in one sentence what is wrong with a name, or that there is no configuration', async () => {
    await using place = await aPlace();
    const misspelt = await place.type('sweep', 'without-replicas', '--config', CONFIG);
    assert.deepEqual([misspelt.code, misspelt.stdout], [1, '']);
    assert.match(misspelt.stderr, /no model "without-replicas".* did you mean "without-replica"\?/);
    const noConfig = await place.type('sweep');
    assert.equal(noConfig.code, 1);
    assert.match(noConfig.stderr, /^[^\n]*switchyard\.config\.ts does not load[^\n]*\n$/);
  }).timeout(60_000);
});

describe('switchyard forget', () => {
  it('shows where a person is, deletes, and then finds nothing', async () => {
    await using place = await aPlace();
    const { store, type } = place;
    const rows = ['yes', 'no', 'yes', 'no'].map((label, index) => ({
      ...{ id: `row-${index}`, at: '2026-01-01T00:00:00Z', label, text: `words ${index}` },
      customer: index === 3 ? ADA : 'bob',
    }));
    const snapshots = new ObjectSnapshots(store, { mails: { rows: () => Promise.resolve(rows) } });
    const { digest } = await snapshots.take('mails', {});
    const files = { 'model.onnx': 'graph' };
    await using folder = await aFolder(files);
    const base = aManifest(MODEL, files);
    const lineage = { ...base.lineage, data: [digest] };
    await new ObjectRegistry(store).publish({ ...base, lineage }, folder.path);

    const shown = await type('forget', ADA);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(
      shown.stdout,
      new RegExp(`^snapshot {2}mails ${digest.slice(0, 12)} {2}1 of 4 rows$`, 'm'),
    );
    assert.match(shown.stdout, /perhaps to be trained again: without-replica 1$/m);
    assert.match(shown.stdout, /next: {3}npx switchyard forget 'Ada Lovelace' --delete$/m);

    const named = await type('forget', ADA, '--delete', '--reason', 'ada lovelace asked');
    assert.equal(named.code, 1);
    assert.match(named.stderr, /^the reason names the person[^\n]+\n$/);

    const deleted = await type('forget', ADA, '--delete', '--json');
    assert.equal(deleted.code, 0, deleted.stderr);
    const { deletion } = z
      .looseObject({ deletion: z.looseObject({ rows: z.number(), person: z.string() }) })
      .parse(JSON.parse(deleted.stdout));
    assert.equal(deletion.rows, 1);
    assert.ok(await store.get(`forgotten/${deletion.person}.json`));
    const again = await type('forget', ADA);
    assert.deepEqual(
      [again.code, again.stdout.split('\n')[0]],
      [0, 'nothing in the bucket is of this customer'],
    );
    const nobody = await type('forget');
    assert.equal(nobody.code, 2);
    assert.match(nobody.stderr, /^forget needs <customer>/);
  }).timeout(60_000);
});
