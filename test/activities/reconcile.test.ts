import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createReconcileActivities } from '../../activities/reconcile.js';
import { RegistryWatch } from '../../adapters/registry/registry-watch.js';
import { encodeJson } from '../../adapters/registry/stored-json.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import type { RunWatch } from '../../domain/ports/reconciling.js';
import { aDigest, aSpec } from '../../testing/builders.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { runActivity } from './run-activity.js';

const HOUR_MS = 3_600_000;
const UPLOAD = aDigest('an upload');

/** A directory without a manifest that is 25 hours old, and what Temporal says. */
async function aWorld(overrides: Partial<RunWatch> = {}) {
  let now = new Date();
  const store = new MemoryObjectStore(() => now);
  const claim = encodeJson({ schemaVersion: 1, digest: UPLOAD });
  await store.put('models/tickets/versions/1/claim.json', claim, 'none');
  await store.put('models/tickets/versions/1/model.onnx', Buffer.from('graph'), 'none');
  now = new Date(now.getTime() + 25 * HOUR_MS);
  const asked: string[] = [];
  const runWatch: RunWatch = {
    promoter: () => Promise.resolve('ended'),
    knownGeneration: () => Promise.resolve('not-running'),
    adopt: () => Promise.resolve(),
    work: () => {
      asked.push('work');
      return Promise.resolve({ digests: new Set(), since: null });
    },
    runs: (staged) => {
      asked.push(...staged);
      return Promise.resolve(new Map());
    },
    ...overrides,
  };
  const activities = createReconcileActivities({
    ...{ models: { tickets: aSpec() }, runWatch },
    ...{ bucketWatch: new RegistryWatch(store), trust: NO_TRUST },
  });
  const look = async () => {
    const { problems } = await runActivity(activities.lookForProblems, { suspects: [] });
    return problems.map(({ kind, what }) => `${kind} ${what}`);
  };
  const sweep = () => runActivity(activities.sweepOrphans, {});
  const keys = async () => (await store.list('')).objects.map(({ key }) => key);
  const later = (ms: number) => {
    now = new Date(now.getTime() + ms);
  };
  return { store, asked, later, look, sweep, keys };
}

describe('sweepOrphans', () => {
  it('deletes a directory that nobody finished for a day, and leaves its claim', async () => {
    const { look, sweep, keys } = await aWorld();
    assert.deepEqual(await look(), ['unfinished-version tickets 1']);
    assert.equal((await sweep()).objects, 1);
    assert.deepEqual(await keys(), ['models/tickets/versions/1/claim.json']);
    assert.deepEqual(await look(), []);
    assert.equal((await sweep()).objects, 0, 'a second one finds nothing to do');
  });

  it('leaves what an open workflow names, or may have made', async () => {
    const names = { digests: new Set([UPLOAD]), since: new Date() };
    const made = { digests: new Set<string>(), since: new Date(0) };
    for (const open of [names, made]) {
      const { look, sweep } = await aWorld({ work: () => Promise.resolve(open) });
      assert.deepEqual(await look(), []);
      assert.equal((await sweep()).objects, 0);
    }
  });

  it('leaves everything of a model whose live.json cannot be read', async () => {
    const { store, look, sweep } = await aWorld();
    await store.put('models/tickets/live.json', Buffer.from('{"torn'), 'none');
    assert.deepEqual(await look(), ['unreadable models/tickets/live.json']);
    assert.equal((await sweep()).objects, 0);
  });

  it('takes what a run staged that Temporal has forgotten, once it is as old as retention says, and asks of nothing younger', async () => {
    const { store, asked, later, look, sweep } = await aWorld();
    const run = randomUUID();
    await store.put(`staging/${run}/retrain/1/a`, Buffer.from('staged'), 'none');
    await sweep();
    asked.length = 0;
    assert.deepEqual(await look(), []);
    assert.deepEqual(asked, [], 'Temporal was asked nothing');
    later(8 * 24 * HOUR_MS);
    assert.deepEqual(await look(), [`orphaned-staging unknown ${run}`]);
    assert.deepEqual(asked, [run]);
    assert.equal((await sweep()).objects, 1);
    assert.deepEqual((await store.list('staging/')).objects, []);
  });
});
