import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { Switchyard } from '../../client/switchyard.js';
import type { LiveState } from '../../domain/live-state.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { testServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';
import { publishVersions, type Published } from '../bench/lifecycle/publish-versions.js';
import {
  childViolations,
  generationViolations,
  liveViolations,
  promotionViolations,
  servingViolations,
  versionViolations,
  violationsOf,
  watchLive,
} from './invariants.js';
import { storeOf } from './world.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

/** A model with two versions, the second live, written straight into the bucket. */
async function bucket() {
  const store = storeOf(await testServers());
  const registry = new ObjectRegistry(store);
  const model = `invariants-${randomUUID().slice(0, 8)}`;
  const versions = await publishVersions(registry, model, 2);
  const [first, second] = versions;
  assert.ok(first && second);
  const promote = (published: Published, baseline: string | null, writeId: string) => {
    const { version, digest, artifact, evidence } = published;
    const candidate = { version, digest, artifact, evidence, decisions: [] };
    return registry.changeLive(model, { kind: 'promote', candidate, baseline }, writeId);
  };
  await promote(first, null, 'run-1/promote/1');
  await promote(second, first.digest, 'run-2/promote/2');
  return { store, registry, model, first, second };
}

async function spoil(store: ObjectStore, key: string, change: (text: string) => string) {
  const stored = await store.get(key);
  assert.ok(stored, key);
  await store.put(key, utf8(change(new TextDecoder().decode(stored.bytes))), 'none');
}

async function connected() {
  const { temporal } = await testServers();
  const connection = await Connection.connect({ address: temporal.address });
  return {
    client: new Client({ connection }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

describe('invariants', () => {
  it('hold over a bucket that nobody spoiled', async () => {
    const { store, registry, model } = await bucket();
    assert.deepEqual(await versionViolations(store, registry, model), []);
    assert.deepEqual(await liveViolations(registry, model), []);
    assert.deepEqual(await servingViolations(registry, model, [], 0), []);
  });

  it('name a version whose bytes, manifest or claim are not what they were', async () => {
    const { store, registry, model } = await bucket();
    const at = (path: string) => `models/${model}/versions/${path}`;
    const seen = async () =>
      (await versionViolations(store, new ObjectRegistry(store), model)).join('; ');
    await spoil(store, at('1/model.onnx'), (text) => `${text}x`);
    assert.match(await seen(), /1\/model\.onnx has other bytes than its manifest says/);
    await store.delete(at('1/model.onnx'));
    assert.match(await seen(), /1\/model\.onnx is missing, and its manifest names it/);
    await spoil(store, at('2/manifest.json'), (text) => text.replace('"seed":', '"sead":'));
    assert.match(await seen(), /2\/manifest\.json: /);
    const manifest = await store.get(at('1/manifest.json'));
    const claim = await store.get(at('1/claim.json'));
    assert.ok(manifest && claim);
    await store.put(at('4/claim.json'), claim.bytes, 'none');
    await store.put(at('4/manifest.json'), manifest.bytes, 'none');
    assert.match(await seen(), /has a version 4 and no 3/);
    assert.match(await seen(), /version 4 has the manifest of another number/);
    assert.deepEqual(await versionViolations(store, registry, 'nobody'), []);
  });

  it('name a pointer whose version, evidence or decisions are not there', async () => {
    const { store, model, second } = await bucket();
    const key = `models/${model}/live.json`;
    const seen = async () => (await liveViolations(new ObjectRegistry(store), model)).join('; ');
    const evidence = `models/${model}/evidence/${second.digest}/${second.evidence}.json`;
    const registry = new ObjectRegistry(store);
    const document = await registry.evidence(model, second.digest, second.evidence);
    assert.ok(document);
    const asking = await registry.putEvidence(model, second.digest, {
      ...document,
      roles: ['engineering'],
    });
    await spoil(store, key, (text) => text.replaceAll(second.evidence, asking));
    assert.match(await seen(), /version 2 .* without the approval of engineering/);
    await spoil(store, key, (text) => text.replaceAll(asking, second.evidence));
    await store.delete(evidence);
    assert.match(await seen(), /version 2 .* without its evidence/);
    await store.delete(`models/${model}/versions/2/manifest.json`);
    assert.match(await seen(), /version 2 .* which the registry does not have/);
    await spoil(store, key, (text) =>
      text.replace('"withdrawn":[]', `"withdrawn":["${second.digest}"]`),
    );
    assert.match(await seen(), /serves [0-9a-f]{12}, which was withdrawn/);
    await spoil(store, key, (text) =>
      text.replace(`"live":"${second.digest}"`, `"live":"${'0'.repeat(64)}"`),
    );
    assert.match(await seen(), /is live at 0{12}, which live\.json does not describe/);
  });

  it('name a replica or an endpoint that serves something else', async () => {
    const { registry, model, first } = await bucket();
    const report = { replica: 'endpoint-1', digest: first.digest, generation: 1, problem: null };
    await registry.reportReplica(model, report);
    const seen = await servingViolations(registry, model, ['http://127.0.0.1:1'], 0);
    assert.match(
      seen.join('; '),
      /endpoint-1 reports [0-9a-f]{12} of .*, and [0-9a-f]{12} is live/,
    );
    assert.match(seen.join('; '), /127\.0\.0\.1:1 answers with nothing/);
  });

  it('name a start that was lost, ended by force or waits for nobody, and what it left', async () => {
    const { store, model } = await bucket();
    await using link = await connected();
    const { client } = link;
    const switchyard = new Switchyard({ client, taskQueue: `nobody-${model}` });
    const { workflowId, runId } = await switchyard.start({ model });
    const silent = await violationsOf({ store, client, models: [], started: [workflowId, 'lost'] });
    assert.match(silent.join('; '), /lost was acknowledged, and Temporal does not know it/);
    assert.match(silent.join('; '), /is open in stage unknown, and says nobody to wait for/);
    await store.put(`staging/${runId}/retrain/1/native.json`, utf8('{}'), 'none');
    await client.workflow.getHandle(workflowId).terminate('a test');
    const given = { store, client, models: [], started: [workflowId] };
    const ended = (await violationsOf(given)).join('; ');
    assert.match(ended, /was terminated; nobody ordered that/);
    assert.match(ended, /has ended, and 1 objects that it staged still lie there/);
    assert.deepEqual(await violationsOf({ ...given, terminated: [workflowId] }), []);
    const young = await violationsOf({ ...given, orphanMs: 60_000 });
    assert.ok(!young.some((each) => each.includes('staged')), young.join('; '));
  });

  it('name a promotion that outlived its lifecycle', async () => {
    const { registry, model } = await bucket();
    const state = (await registry.live(model))?.state;
    assert.ok(state);
    const ended = { workflowId: 'lifecycle/x/1', outcome: null, end: 'failed' } as const;
    assert.deepEqual(promotionViolations({ ...ended, runId: 'run-1' }, state), []);
    assert.match(
      promotionViolations({ ...ended, runId: 'run-2' }, state).join(),
      /ended failed, and its promotion of [0-9a-f]{12} still serves/,
    );
  });

  it('name a generation that went back, or that is two things', async () => {
    const { store, registry, model } = await bucket();
    const now = (await registry.live(model))?.state;
    assert.ok(now);
    const before = (change: Partial<LiveState>) => generationViolations({ ...now, ...change }, now);
    assert.deepEqual(before({ generation: 1, writeId: 'other' }), []);
    assert.match(before({ generation: 3 }).join(), /went back from generation 3 to 2/);
    assert.match(before({ writeId: 'other' }).join(), /generation 2 of .* was written twice/);
    const watch = watchLive(store, [model]);
    await until('it was looked at', () => Promise.resolve(watch.looks > 0 ? true : undefined));
    await spoil(store, `models/${model}/live.json`, (text) =>
      text.replace('"generation":2', '"generation":1'),
    );
    assert.match((await watch.stop()).join(), /went back from generation 2 to 1/);
  });

  it('name a process that was left behind', async () => {
    const mark = randomUUID();
    const child = spawn('sleep', ['60'], { env: { PATH: process.env['PATH'], CHAOS_WORLD: mark } });
    await once(child, 'spawn');
    const pids = [child.pid ?? 0];
    const left = (await childViolations({ pids, mark, patienceMs: 0 })).join('; ');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.match(left, /process \d+ still runs/);
    if (process.platform === 'linux') assert.match(left, /left behind: \d+ sleep 60/);
    assert.deepEqual(await childViolations({ pids, mark, patienceMs: 0 }), []);
  });
});
