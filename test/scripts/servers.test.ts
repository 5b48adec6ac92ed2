import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { isPortError } from '../../domain/failures.js';
import { startServerProcess, untilReady } from '../../scripts/servers/child-process.js';
import { isAlive } from '../../scripts/servers/is-alive.js';
import { freePort, isPortFree } from '../../scripts/servers/free-ports.js';
import { startS3Server } from '../../scripts/servers/s3-server.js';
import { startTemporalServer } from '../../scripts/servers/temporal-server.js';

const FIXTURE = fileURLToPath(new URL('./fixtures/start-servers.ts', import.meta.url));

async function until(holds: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `not within ${deadlineMs} ms: ${holds.toString()}`);
    await pause(20);
  }
}

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1));

describe('development servers', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(path.join(tmpdir(), 'switchyard-servers-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  describe('startTemporalServer', () => {
    const searchAttributes = { ModelName: 'Keyword', Tags: 'KeywordList' } as const;

    it('runs side by side with another one', async () => {
      await using one = await startTemporalServer({ directory: `${folder}/t1`, searchAttributes });
      await using two = await startTemporalServer({ directory: `${folder}/t2`, searchAttributes });

      assert.notEqual(one.address, two.address);
      for (const server of [one, two]) {
        const response = await fetch(`${server.uiUrl}/api/v1/namespaces/default`);
        assert.equal(response.status, 200);
        assert.equal(await isPortFree(portOf(server.address)), false);
      }
    });

    it('takes the ports it is given, and starts again on the same directory', async () => {
      const port = await freePort();
      const uiPort = await freePort();
      for (let round = 0; round < 2; round++) {
        await using server = await startTemporalServer({
          ...{ directory: `${folder}/t3`, port, uiPort, searchAttributes },
        });
        assert.equal(server.address, `127.0.0.1:${port}`);
        assert.equal(server.uiUrl, `http://127.0.0.1:${uiPort}`);
      }
    });

    it('says at once that a search attribute has another type in its database', async () => {
      const directory = `${folder}/t4`;
      await using first = await startTemporalServer({ directory, searchAttributes });
      await first.stop();

      await assert.rejects(
        startTemporalServer({ directory, searchAttributes: { ModelName: 'Int' } }),
        /t4 has a search attribute ModelName of type .*KEYWORD, expected .*INT: delete that folder/,
      );
    });

    it('is stopped twice without complaint, and frees its port', async () => {
      const server = await startTemporalServer({ directory: `${folder}/t5`, searchAttributes });

      await Promise.all([server.stop(), server.stop()]);
      await server.stop();

      assert.equal(isAlive(server.pid), false);
      assert.equal(await isPortFree(portOf(server.address)), true);
    });

    it('says in one sentence that its binary is missing', async () => {
      await assert.rejects(
        startTemporalServer({ directory: `${folder}/t6`, searchAttributes, binary: '/nowhere/t' }),
        (error) => {
          assert.ok(isPortError(error));
          assert.equal(error.type, 'SetUpMissing');
          assert.equal(error.message, '/nowhere/t is missing: run `npx switchyard setup`');
          return true;
        },
      );
    });

    it('repeats what the server said when it ends at its start', async () => {
      const port = await freePort();
      await using squatter = await startTemporalServer({
        ...{ directory: `${folder}/t7`, port, searchAttributes },
      });

      await assert.rejects(
        startTemporalServer({ directory: `${folder}/t8`, port, searchAttributes }),
        /the Temporal server ended at its start: .*already in use/,
      );
      assert.equal(isAlive(squatter.pid), true);
    });
  });

  describe('startS3Server', () => {
    it('runs side by side with another one, with other keys', async () => {
      await using one = await startS3Server({ directory: `${folder}/s1`, bucket: 'one' });
      await using two = await startS3Server({ directory: `${folder}/s2`, bucket: 'two' });

      assert.notEqual(one.endpoint, two.endpoint);
      assert.notEqual(one.secretAccessKey, two.secretAccessKey);
      for (const server of [one, two]) {
        const response = await fetch(`${server.endpoint}/${server.bucket}/key`);
        assert.equal(response.status, 403, 'nobody gets in without a key');
      }
    });

    it('still has, after it was killed, every object that it acknowledged', async () => {
      const given = { directory: `${folder}/s4`, bucket: 'kept' };
      const keys = Array.from({ length: 60 }, (_, index) => `objects/${index}`);
      const killed = await startS3Server(given);
      const before = new S3ObjectStore({ ...killed, credentials: killed });
      for (const key of keys) await before.put(key, Buffer.from(key), 'absent');

      process.kill(killed.pid, 'SIGKILL');
      await killed.ended;
      await using again = await startS3Server(given);

      const after = new S3ObjectStore({ ...again, credentials: again });
      for (const key of keys) {
        const stored = await after.get(key);
        assert.equal(Buffer.from(stored?.bytes ?? []).toString(), key);
        assert.equal((await after.put(key, Buffer.from(key), 'absent')).kind, 'conflict');
      }
    });

    it('says in one sentence that its binary is missing', async () => {
      await assert.rejects(
        startS3Server({ directory: `${folder}/s3`, bucket: 'any', binary: '/nowhere/weed' }),
        /^PortError: \/nowhere\/weed is missing: run `npx switchyard setup`$/,
      );
    });
  });

  it('end when their starter is killed', async () => {
    const starter = spawn(process.execPath, ['--import', 'tsx', FIXTURE, `${folder}/orphans`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = z.tuple([z.string()]).parse(await once(createInterface(starter.stdout), 'line'));
    const pids = z.array(z.number()).length(2).parse(JSON.parse(line));
    assert.deepEqual(pids.map(isAlive), [true, true]);

    starter.kill('SIGKILL');

    await until(() => !pids.some(isAlive));
  });

  describe('startServerProcess', () => {
    it('says how a server ended: by whose signal, or with which exit code and last lines', async () => {
      const shell = (name: string, script: string) =>
        startServerProcess({ name, binary: '/bin/sh', args: ['-c', script] });
      await using killed = await shell('a killed one', 'echo busy; while :; do sleep 1; done');
      await until(() => killed.tail() === 'busy');
      process.kill(killed.pid, 'SIGKILL');
      await killed.ended;
      assert.equal(killed.ending(), 'was ended by SIGKILL');

      await using broken = await shell('a broken one', 'echo no disk; exit 3');
      await broken.ended;
      await until(() => broken.tail() !== '');
      assert.equal(broken.ending(), 'ended by itself with exit code 3: no disk');
    });

    it('kills a server that ignores SIGTERM', async () => {
      const server = await startServerProcess({
        name: 'a stubborn server',
        binary: '/bin/sh',
        args: ['-c', `trap '' TERM; echo deaf; while :; do sleep 1; done`],
        stopMs: 200,
      });
      await until(() => server.tail() === 'deaf');

      await server.stop();

      assert.equal(isAlive(server.pid), false);
    });

    it('keeps only the end of a long output', async () => {
      const server = await startServerProcess({
        name: 'a chatty server',
        binary: '/bin/sh',
        args: ['-c', 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 3'],
      });
      const never = () => Promise.resolve('not-yet' as const);

      await assert.rejects(
        untilReady('a chatty server', server, never),
        /ended at its start: line 19995 \| .* \| line 19999$/,
      );
    });

    it('stops a server that does not answer in time', async () => {
      const server = await startServerProcess({
        ...{ name: 'a silent server', binary: '/bin/sleep', args: ['60'] },
      });
      const never = () => Promise.resolve('not-yet' as const);

      await assert.rejects(
        untilReady('a silent server', server, never, 100),
        /a silent server did not answer within 100 ms/,
      );
      assert.equal(isAlive(server.pid), false);
    });
  });
});

describe('freePort', () => {
  it('never hands out the same port twice', async () => {
    const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()));

    assert.equal(new Set(ports).size, ports.length);
  });
});
