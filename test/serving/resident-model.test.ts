import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PortError } from '../../domain/failures.js';
import { freePort } from '../../scripts/servers/free-ports.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { LABELS, loopModel, textModel } from '../support/small-models.js';
import type { MemoryRegistry } from './memory-registry.js';
import { MODEL, startRig, until } from './serving-rig.js';
import type { ServingRig } from './serving-rig.js';

const REPORT = `${MODEL}/replica-1`;

/** Two versions whose answers differ; the first is live. */
async function startWithTwo() {
  const versions: ReturnType<ServingRig['registry']['publish']>[] = [];
  const rig = await startRig((registry) => {
    versions.push(registry.publish(textModel()), registry.publish(textModel({ turn: 1 })));
    if (versions[0]) registry.promote(versions[0]);
  });
  const [first, second] = versions;
  assert.ok(first && second);
  return { rig, first, second, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

async function untilServed(rig: ServingRig, digest: string): Promise<void> {
  await until(() => rig.registry.replicas.get(REPORT)?.digest === digest);
}

describe('a resident model', () => {
  it('moves to a new version under load without a failed or mixed answer', async () => {
    await using given = await startWithTwo();
    const { rig, first, second } = given;
    const expected = new Map([
      [first.digest, LABELS[0]],
      [second.digest, LABELS[1]],
    ]);
    const seen = new Set<unknown>();
    let isDone = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isDone) {
        const { status, digest, label } = await rig.ask('refund');
        assert.equal(status, 200);
        assert.equal(label, expected.get(String(digest)));
        seen.add(digest);
      }
    });
    for (let swap = 0; swap < 6; swap++) {
      rig.registry.promote(swap % 2 === 0 ? second : first);
      await untilServed(rig, (swap % 2 === 0 ? second : first).digest);
    }
    isDone = true;
    await Promise.all(clients);
    assert.deepEqual(seen, new Set(expected.keys()));
  });

  it('never answers by an older version after a newer one was reported', async () => {
    await using given = await startWithTwo();
    const { rig, second } = given;
    rig.registry.promote(second);
    await untilServed(rig, second.digest);
    assert.equal((await rig.ask('refund')).digest, second.digest);
  });

  it('is not ready before it serves what was live when it was listed: a deploy that ended by then did not wait for it', async () => {
    const port = await freePort();
    const whenListed: number[] = [];
    const prepare = (registry: MemoryRegistry) => {
      registry.promote(registry.publish(textModel()));
      const next = registry.publish(textModel({ turn: 1 }));
      const report = registry.reportReplica.bind(registry);
      registry.reportReplica = async (...given) => {
        if (whenListed.length === 0) registry.promote(next);
        whenListed.push((await fetch(`http://127.0.0.1:${port}/v2/health/ready`)).status);
        await report(...given);
      };
    };
    await using rig = await startRig(prepare, { port, pollMs: 60_000, reportEveryMs: 60_000 });
    assert.equal((await rig.ask('refund')).label, LABELS[1]);
    assert.equal(whenListed[0], 503);
    assert.equal((await rig.call('/v2/health/ready')).status, 200);
  });

  it('follows nothing older than it did before it started anew', async () => {
    await using folder = await temporaryFolder();
    const place = { cacheDirectory: folder.path };
    const withOne = (registry: ServingRig['registry']) =>
      registry.promote(registry.publish(textModel()));
    const before = await startRig((registry) => {
      withOne(registry);
      registry.promote(registry.publish(textModel({ turn: 1 })));
    }, place);
    const newest = before.registry.state;
    await before[Symbol.asyncDispose]();
    await using after = await startRig(withOne, place);
    assert.equal((await after.ask('refund')).status, 503);
    const said = after.registry.replicas.get(REPORT)?.problem ?? '';
    assert.match(
      said,
      /has generation 1 after generation 2 was seen; it is refused.* delete .*followed\.json/,
    );
    after.registry.publish(textModel({ turn: 1 }));
    after.registry.put(newest);
    await until(async () => (await after.ask('refund')).status === 200);
  });

  it('keeps the previous version warm: a fallback opens no process', async () => {
    await using given = await startWithTwo();
    const { rig, first, second } = given;
    rig.registry.promote(second);
    await untilServed(rig, second.digest);
    const byNumber = await rig.call(`/v2/models/${MODEL}/versions/1/infer`, {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['refund'] }],
    });
    assert.equal(byNumber.digest, first.digest);
    rig.registry.fallBack();
    await untilServed(rig, first.digest);
    assert.equal((await rig.ask('refund')).digest, first.digest);
    assert.equal(rig.runtime.opened.length, 2);
  });

  it('closes a withdrawn version', async () => {
    await using given = await startWithTwo();
    const { rig, first, second } = given;
    rig.registry.promote(second);
    await untilServed(rig, second.digest);
    rig.registry.fallBack();
    await untilServed(rig, first.digest);
    assert.equal(await rig.runtime.opened[1]?.exited, 'closed');
    assert.equal((await rig.call(`/v2/models/${MODEL}/versions/2`)).status, 404);
  });

  it('opens the previous version after a restart, too', async () => {
    await using rig = await startRig((registry) => {
      registry.promote(registry.publish(textModel()));
      registry.promote(registry.publish(textModel({ turn: 1 })));
    });
    await until(() => rig.runtime.opened.length === 2);
    await until(async () => (await rig.call(`/v2/models/${MODEL}/versions/1`)).status === 200);
  });

  it('keeps open only the live and the previous version', async () => {
    await using given = await startWithTwo();
    const { rig, second } = given;
    rig.registry.promote(second);
    await untilServed(rig, second.digest);
    const third = rig.registry.publish(textModel({ turn: 2 }));
    rig.registry.promote(third);
    await untilServed(rig, third.digest);
    assert.equal(await rig.runtime.opened[0]?.exited, 'closed');
    assert.deepEqual((await rig.call(`/v2/models/${MODEL}`)).body['versions'], ['3', '2']);
  });

  it('keeps the old version where the new one does not open, and says so', async () => {
    await using given = await startWithTwo();
    const { rig, first } = given;
    const bad = rig.registry.publish({
      ...textModel(),
      files: { ...textModel().files, 'model.onnx': Buffer.from('no model') },
    });
    rig.registry.promote(bad);
    await until(() => rig.registry.replicas.get(REPORT)?.problem !== null);
    assert.deepEqual(
      { ...rig.registry.replicas.get(REPORT), problem: null },
      { replica: 'replica-1', digest: first.digest, generation: 1, problem: null },
    );
    assert.match(
      rig.registry.replicas.get(REPORT)?.problem ?? '',
      /^version 3 \([0-9a-f]{12}\) does not open: .*is text/,
    );
    assert.equal((await rig.ask('refund')).digest, first.digest);
    rig.registry.fallBack();
    await until(() => rig.registry.replicas.get(REPORT)?.problem === null);
    assert.equal(rig.registry.replicas.get(REPORT)?.generation, 3);
  });

  it('refuses a version whose bytes are not those of its manifest', async () => {
    await using given = await startWithTwo();
    const { rig, first } = given;
    const other = textModel({ turn: 2 }).files;
    rig.registry.promote(
      rig.registry.publish(textModel(), { 'model.onnx': other['model.onnx'] ?? Buffer.of() }),
    );
    await until(() => rig.registry.replicas.get(REPORT)?.problem !== null);
    assert.match(rig.registry.replicas.get(REPORT)?.problem ?? '', /model\.onnx/);
    assert.equal((await rig.ask('refund')).digest, first.digest);
  });

  it('opens a process anew that was killed', async () => {
    await using given = await startWithTwo();
    const { rig, first } = given;
    process.kill(rig.runtime.opened[0]?.pid ?? -1, 'SIGKILL');
    await until(() => rig.runtime.opened.length === 2);
    const { status, digest } = await rig.ask('refund');
    assert.deepEqual([status, digest], [200, first.digest]);
  });

  it('loses at most the request at work when its process is killed', async () => {
    await using given = await startWithTwo();
    const { rig } = given;
    await rig.ask('refund');
    const asked = Array.from({ length: 60 }, () => rig.ask('refund'));
    process.kill(rig.runtime.opened[0]?.pid ?? -1, 'SIGKILL');
    const answers = await Promise.all(asked);
    const failed = answers.filter(({ status }) => status !== 200);
    assert.ok(failed.length <= 1, `${failed.length} failed`);
    for (const { status, body } of failed) {
      assert.deepEqual([status, body['type']], [503, 'RuntimeCrashed']);
    }
  });

  it('serves nothing once nothing is live', async () => {
    await using given = await startWithTwo();
    const { rig, first } = given;
    rig.registry.change({
      ...{ kind: 'undo-promotion', promoted: first.digest, before: null },
      promotion: 'write-1',
    });
    await until(() => rig.registry.replicas.get(REPORT)?.digest === null);
    const { status, body } = await rig.ask('refund');
    assert.deepEqual([status, body['type']], [503, 'NotReady']);
    assert.equal(await rig.runtime.opened[0]?.exited, 'closed');
  });

  it('refuses a lower generation than it has seen', async () => {
    await using given = await startWithTwo();
    const { rig, second } = given;
    const old = rig.registry.state;
    rig.registry.promote(second);
    await untilServed(rig, second.digest);
    rig.registry.put(old);
    await until(() => rig.registry.replicas.get(REPORT)?.problem !== null);
    assert.match(
      rig.registry.replicas.get(REPORT)?.problem ?? '',
      /generation 1 after generation 2/,
    );
    assert.equal((await rig.ask('refund')).digest, second.digest);
  });

  it('refuses that live.json is gone', async () => {
    await using given = await startWithTwo();
    const { rig, first } = given;
    rig.registry.put(null);
    await until(() => rig.registry.replicas.get(REPORT)?.problem !== null);
    assert.equal((await rig.ask('refund')).digest, first.digest);
  });

  it('keeps serving while the registry is away, and follows again after', async () => {
    await using given = await startWithTwo();
    const { rig, first, second } = given;
    rig.registry.down = new PortError('StoreUnreachable', 'the store is away');
    rig.registry.promote(second);
    assert.equal((await rig.ask('refund')).digest, first.digest);
    rig.registry.down = null;
    await untilServed(rig, second.digest);
  });

  it('reports no problem any more once a store that refused it lets it read again', async () => {
    await using given = await startWithTwo();
    const { registry } = given.rig;
    const read = registry.liveIfChanged.bind(registry);
    registry.liveIfChanged = () =>
      Promise.reject(new PortError('StoreRefused', 'no right to read'));
    await until(() => registry.replicas.get(REPORT)?.problem?.includes('no right') === true);
    registry.liveIfChanged = read;
    await until(() => registry.replicas.get(REPORT)?.problem === null);
  });

  it('starts without a registry and serves once it is there', async () => {
    await using rig = await startRig((registry) => {
      registry.promote(registry.publish(textModel()));
      registry.down = new PortError('StoreUnreachable', 'the store is away');
    });
    assert.equal((await rig.ask('refund')).status, 503);
    rig.registry.down = null;
    await until(async () => (await rig.ask('refund')).status === 200);
  });

  it('takes its report away when it ends, and every process with it', async () => {
    const { rig } = await startWithTwo();
    assert.ok(rig.registry.replicas.has(REPORT));
    await rig[Symbol.asyncDispose]();
    assert.equal(rig.registry.replicas.has(REPORT), false);
    for (const { exited } of rig.runtime.opened) assert.equal(await exited, 'closed');
  });

  it('answers what is under way when it ends', async () => {
    const rig = await startRig((registry) => registry.promote(registry.publish(loopModel())));
    const slow = { inputs: [{ name: 'trips', datatype: 'INT64', shape: [1], data: [100_000] }] };
    const asked = Array.from({ length: 5 }, () => rig.call(`/v2/models/${MODEL}/infer`, slow));
    await until(async () => (await inFlight(rig)) === 5);
    const [answers] = await Promise.all([Promise.all(asked), rig[Symbol.asyncDispose]()]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
  });

  it('fetches a version again whose file on the disk has changed', async () => {
    await using folder = await temporaryFolder();
    const live = (registry: ServingRig['registry']) =>
      registry.promote(registry.publish(textModel()));
    const first = await startRig(live, { cacheDirectory: folder.path });
    const digest = first.registry.state?.live ?? '';
    await first.endpoint.close();
    const path = join(folder.path, MODEL, digest, 'model.onnx');
    const good = await readFile(path);
    await writeFile(
      path,
      good.map((byte) => byte ^ 1),
    );
    await using second = await startRig(live, { cacheDirectory: folder.path });
    assert.equal((await second.ask('refund')).label, LABELS[0]);
    assert.deepEqual(await readFile(path), good);
    await first[Symbol.asyncDispose]();
  });
});

describe('the disk cache of a resident model', () => {
  it('is rid of what earlier processes left, and keeps the live and the previous version', async () => {
    await using folder = await temporaryFolder();
    const place = join(folder.path, MODEL);
    const stale = ['fetching-dead01', 'a'.repeat(64)];
    const live = (registry: ServingRig['registry']) => {
      registry.promote(registry.publish(textModel()));
      registry.promote(registry.publish(textModel({ turn: 1 })));
    };
    const before = await startRig(live, { cacheDirectory: folder.path });
    await until(() => before.runtime.opened.length === 2);
    await before[Symbol.asyncDispose]();
    const kept = (await readdir(place)).sort();
    assert.equal(kept.length, 4, 'two versions, what was read, and what was followed');
    for (const name of stale) await mkdir(join(place, name, 'part'), { recursive: true });
    await using after = await startRig(live, { cacheDirectory: folder.path });
    assert.equal((await after.ask('refund')).label, LABELS[1]);
    assert.deepEqual((await readdir(place)).sort(), kept);
  });
});

/** Requests at work or waiting, as the endpoint counts them. */
async function inFlight(rig: ServingRig): Promise<number> {
  const text = await (await fetch(`${rig.endpoint.url}/metrics`)).text();
  return Number(/^switchyard_requests_in_flight (\d+)$/m.exec(text)?.[1]);
}
