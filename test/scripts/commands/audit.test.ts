import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditKey, liveKey } from '../../../adapters/registry/keys.js';
import { aFolder } from '../../adapters/registry/builders.js';
import { MODEL, writeHistory } from '../../attack/audit-world.js';
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
    const lines = shown.stdout.split('\n').slice(0, 8);
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)[2]),
      'promoted frozen thawed promoted fallen-back promoted fallen-back frozen'.split(' '),
    );
    assert.match(lines[0] ?? '', /version 1 .* ada@example\.com, joan@example\.com$/);
    assert.match(lines[4] ?? '', /version 1 .*grace@example\.com +wrong queues$/);

    const sound = await type('verify');
    assert.equal(sound.code, 0, sound.stdout);
    assert.match(sound.stdout, /no head was given, so a cut tail cannot be seen/);
    const head = /^head: (tickets@8:[0-9a-f]{64})$/m.exec(sound.stdout)?.[1] ?? assert.fail();
    assert.equal((await type('verify', '--head', head)).code, 0);

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
