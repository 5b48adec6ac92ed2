import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditKey, journalKey, liveKey } from '../../../adapters/registry/keys.js';
import { aFolder } from '../../adapters/registry/builders.js';
import { MODEL, OPEN_RUN, writeHistory } from '../../attack/audit-world.js';
import { ownBucket } from '../../support/own-bucket.js';
import { typeCommand } from '../../support/typed-command.js';

describe('switchyard audit', () => {
  it('shows who did what and why, verifies all of it offline, and sees a cut tail by a head', async () => {
    const { store, environment } = await ownBucket();
    const { keys, trust } = await writeHistory(store);
    await using folder = await aFolder();
    const trustFile = join(folder.path, 'trust.json');
    await writeFile(trustFile, JSON.stringify(trust));
    const type = (...args: readonly string[]) =>
      typeCommand(['audit', ...args], {
        folder: folder.path,
        environment: { ...environment, SWITCHYARD_TRUST_FILE: trustFile },
      });
    const shown = await type(MODEL);
    assert.equal(shown.code, 0, shown.stderr);
    const lines = shown.stdout.split('\n');
    const whatOf = (line: string) => line.split(/ {2,}/).find((word) => /^[a-z]/.test(word)) ?? '';
    const states = lines.filter((line) => /^\d/.test(line));
    assert.deepEqual(
      states.map(whatOf),
      'promoted frozen thawed promoted fallen-back promoted fallen-back frozen'.split(' '),
    );
    assert.match(states[0] ?? '', /version 1 .* ada@example\.com, joan@example\.com$/);
    assert.match(states[4] ?? '', /version 1 .*grace@example\.com +wrong queues$/);
    const first = ['started', 'approved for data-science', 'approved for engineering', 'promoted'];
    assert.deepEqual(lines.slice(0, 4).map(whatOf), first);
    const journal = lines.filter((line) => /^ /.test(line)).map(whatOf);
    assert.deepEqual(
      ['started', 'ended live', 'ended cancelled', 'undone: restored'].map(
        (what) => journal.filter((each) => each === what).length,
      ),
      [5, 3, 2, 2],
    );

    const sound = await type('verify');
    assert.equal(sound.code, 0, sound.stdout);
    assert.match(sound.stdout, /no head was given, so a cut tail cannot be seen/);
    const head = /^head: (tickets@8:[0-9a-f]{64})$/m.exec(sound.stdout)?.[1] ?? assert.fail();
    assert.equal((await type('verify', '--head', head)).code, 0);

    const open = new RegExp(`^head: (tickets/${OPEN_RUN}@1:[0-9a-f]{64})$`, 'm');
    const loose = open.exec(sound.stdout)?.[1] ?? assert.fail();
    const line = journalKey(MODEL, OPEN_RUN, 1);
    const started = (await store.get(line))?.bytes ?? assert.fail();
    await store.delete(line);
    assert.equal((await type('verify')).code, 0, 'nothing vouches for it yet but a head');
    const dropped = await type('verify', '--head', loose);
    assert.match(dropped.stdout, /journal\/\S+300\/1\.json is not there: its head vouches for it/);
    await store.put(line, started, 'none');

    const before = await store.get(auditKey(MODEL, 5));
    await store.put(liveKey(MODEL), before?.bytes ?? assert.fail(), 'none');
    for (const generation of [5, 6, 7]) await store.delete(auditKey(MODEL, generation));
    assert.equal((await type('verify')).code, 0, 'nothing but a head can tell');
    const cut = await type('verify', '--head', head);
    assert.equal(cut.code, 1);
    assert.match(
      cut.stdout,
      /^models\/tickets\/audit\/live\/8\.json is not there, and was the head/m,
    );
    assert.equal((await type('verify', '--head', 'tickets')).code, 2);
    assert.ok(!shown.stdout.includes(keys.ada.d));
  }).timeout(120_000);
});
