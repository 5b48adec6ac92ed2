import assert from 'node:assert/strict';
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readKeyFile } from '../../../client/signing/key-file.js';
import { newSigningKey, signDecision } from '../../../client/signing/signing-key.js';
import { TrustFile } from '../../../adapters/trust/trust-file.js';
import { keysOf } from '../../../domain/signing/trust.js';
import { aFolder, failure } from '../../adapters/registry/builders.js';
import { openGate } from '../../attack/gate-world.js';
import { signersOf } from '../../support/signers.js';
import { typeCommand } from '../../support/typed-command.js';

describe('switchyard keys', () => {
  it('makes keys whose ids can be typed', () => {
    const ids = Array.from({ length: 500 }, () => newSigningKey('ada@example.com', 'test').kid);
    assert.deepEqual(
      ids.filter((id) => id.startsWith('-')),
      [],
    );
  });

  it('makes a key for its owner alone, trusts it for roles, retires it and revokes it', async () => {
    await using folder = await aFolder();
    const type = (...args: readonly string[]) =>
      typeCommand(['keys', ...args], { folder: folder.path });
    const made = ['new', 'ada.json', '--person', 'ada@example.com', '--environment', 'production'];
    const first = await type(...made);
    assert.equal(first.code, 0, first.stderr);
    const file = join(folder.path, 'ada.json');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const key = await readKeyFile(file);
    const open = await readFile(`${file}.pub`, 'utf8');
    assert.ok(!open.includes(key.d) && !first.stdout.includes(key.d), 'the private key is told');
    const again = await type(...made);
    assert.match(again.stderr, /ada\.json cannot be written \(EEXIST\)/);
    assert.deepEqual(await readKeyFile(file), key);

    const trusted = await type(
      'trust',
      'ada.json.pub',
      '--role',
      'data-science',
      '--role',
      'legal',
    );
    assert.match(
      trusted.stdout,
      /^trust\.json \(production\) trusts\nada@example\.com +data-science, legal/,
    );
    const trust = new TrustFile(join(folder.path, 'trust.json'));
    const [known] = keysOf(await trust.read());
    assert.deepEqual([known?.kid, known?.roles], [key.kid, ['data-science', 'legal']]);
    assert.match((await type('retire', key.kid)).stdout, /retired since 20/);
    const revoked = await type('revoke', key.kid, '--since', '2026-01-31T00:00:00Z');
    assert.match(revoked.stdout, /void since 2026-01-31T00:00:00Z/);
    assert.match((await type('retire', 'no-such')).stderr, /has no key no-such/);

    await type('new', 'worker.json', '--person', 'worker-1', '--environment', 'production');
    const witness = await type('trust', 'worker.json.pub', '--witness');
    assert.match(witness.stdout, /^worker-1 +witness +\S+ +seals$/m);
    const worker = await readKeyFile(join(folder.path, 'worker.json'));
    assert.match((await type('retire', worker.kid)).stdout, /^worker-1 .* retired since 20/m);
    const both = await type('trust', 'worker.json.pub', '--witness', '--role', 'legal');
    assert.match(both.stderr, /a witness has no --role/);

    await chmod(file, 0o644);
    await assert.rejects(readKeyFile(file), failure('InvalidRequest', /chmod 600/));
  }).timeout(60_000);

  it('lets a key approve, and nobody without one; what is printed can be pasted', async () => {
    const { keys, trust } = signersOf({ ada: ['data-science'], joan: ['engineering'] });
    const handOffs = ['data-science', 'engineering'].map((role) => ({
      ...{ role, quorum: 1, distinctFrom: [] },
    }));
    await using world = await openGate('keys', { trust, handOffs });
    await using folder = await aFolder({
      'ada.json': JSON.stringify(keys.ada),
      'joan.json': JSON.stringify(keys.joan),
    });
    for (const name of ['ada.json', 'joan.json']) await chmod(join(folder.path, name), 0o600);
    const { workflowId, about } = await world.waiting();
    const { options } = world.rig.client;
    const environment = {
      TEMPORAL_ADDRESS: world.address,
      TEMPORAL_NAMESPACE: options.namespace,
      SWITCHYARD_TASK_QUEUE: world.rig.taskQueue,
      ...world.bucket,
    };
    const type = (...args: readonly string[]) =>
      typeCommand(args, { folder: folder.path, environment });
    const yes = ['--role', 'data-science', '--reason', 'reads well'];
    const unsigned = await type('approve', workflowId, ...yes);
    assert.match(unsigned.stderr, /decisions are signed in "production": name your key/);
    const wrong = await type('approve', workflowId, ...yes, '--key', 'joan.json');
    assert.match(wrong.stderr, /joan@example\.com is not trusted to decide for "data-science"/);
    const right = await type('approve', workflowId, ...yes, '--key', 'ada.json');
    assert.equal(right.code, 0, right.stderr);
    const printed = await type(
      'sign',
      workflowId,
      '--reason',
      'fast',
      '--key',
      'joan.json',
      '--json',
    );
    const decision: unknown = JSON.parse(printed.stdout);
    assert.equal(Reflect.get(Object(decision), 'role'), 'engineering');
    const shown = await type('sign', workflowId, '--reason', 'fast', '--key', 'joan.json');
    const pasted: unknown = JSON.parse(shown.stdout.split('\n')[0] ?? '');
    const handle = world.rig.client.workflow.getHandle(workflowId);
    await handle.executeUpdate('decide', { args: [pasted] });
    assert.equal((await world.rig.switchyard.outcome(workflowId)).outcome, 'live');
    const elsewhere = { ...about, environment: 'staging' };
    const answer = { role: 'data-science', decision: 'approved', reason: 'x' } as const;
    await assert.rejects(signDecision(keys.ada, elsewhere, answer), /is for "production"/);
  }).timeout(60_000);
});
