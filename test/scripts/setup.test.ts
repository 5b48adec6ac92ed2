import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../../scripts/servers/is-alive.js';

const REPO = fileURLToPath(new URL('../../', import.meta.url));
const SCRIPTS = ['setup.js', 'setup-run.js', 'setup-lock.js', 'setup-parts.js', 'servers/guard.sh'];

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type SetUp = ChildProcessByStdio<null, Readable, Readable>;

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `not within 20 s: ${holds.toString()}`);
    await pause(20);
  }
}

describe('setup.js', () => {
  let checkout = '';

  /** A checkout with no packages to install, whose uv is the one of this checkout. */
  beforeEach(async () => {
    await mkdir(`${REPO}.switchyard/test`, { recursive: true });
    // Inside this checkout, so that `tsx` is found further up.
    checkout = await mkdtemp(`${REPO}.switchyard/test/setup-`);
    for (const script of SCRIPTS)
      await cp(`${REPO}scripts/${script}`, `${checkout}/scripts/${script}`);
    const requirements = 'trainers/servers/uv-requirements.txt';
    await cp(REPO + requirements, `${checkout}/${requirements}`);
    await cp(`${REPO}.switchyard/setup/tools`, `${checkout}/.switchyard/setup/tools`);
    await symlink(`${REPO}.switchyard/tools`, `${checkout}/.switchyard/tools`);
    await writePackage();
  });
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  /** One package, in a folder beside, so that nothing comes over a network. */
  async function writePackage(given: { version?: string; locked?: boolean } = {}): Promise<void> {
    const root = { name: 'small', version: given.version ?? '1.0.0' };
    const dependencies = { neighbour: 'file:neighbour' };
    const locked = {
      neighbour: { version: '1.0.0' },
      'node_modules/neighbour': { resolved: 'neighbour', link: true },
    };
    const lock = {
      ...{ ...root, lockfileVersion: 3, requires: true },
      packages: {
        '': { ...root, dependencies },
        ...(given.locked === false ? {} : locked),
      },
    };
    await writeJson('package.json', { ...root, type: 'module', dependencies });
    await writeJson('package-lock.json', lock);
    await writeJson('neighbour/package.json', { name: 'neighbour', version: '1.0.0' });
  }

  async function writeJson(name: string, value: unknown): Promise<void> {
    await mkdir(path.dirname(`${checkout}/${name}`), { recursive: true });
    await writeFile(`${checkout}/${name}`, JSON.stringify(value));
  }

  function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): SetUp {
    return spawn(process.execPath, [`${checkout}/scripts/setup.js`, ...args], {
      cwd: checkout,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async function end(child: SetUp): Promise<Ended> {
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined,
    ]);
    return { code: child.exitCode, signal: child.signalCode, stdout, stderr };
  }

  const setUp = (args?: readonly string[], env?: NodeJS.ProcessEnv) => end(start(args, env));

  async function writeScript(name: string, content: string): Promise<void> {
    await writeFile(`${checkout}/${name}`, content);
  }

  /** A folder for PATH with what every machine has, and the given scripts. */
  async function pathWith(scripts: Record<string, string>): Promise<string> {
    const folder = `${checkout}/bin`;
    await mkdir(folder);
    await symlink('/bin/sh', `${folder}/sh`);
    await symlink('/bin/sleep', `${folder}/sleep`);
    for (const [name, content] of Object.entries(scripts)) {
      await writeFile(path.join(folder, name), `#!/bin/sh\n${content}\n`);
      await chmod(path.join(folder, name), 0o755);
    }
    return folder;
  }

  describe('bringing what the locks say', () => {
    it('installs once, and says nothing the second time', async () => {
      const first = await setUp();
      const second = await setUp();

      assert.match(first.stderr, /^set-up: npm packages …\nset-up: npm packages: [\d.]+ s\n$/);
      assert.equal(first.code, 0);
      assert.deepEqual(second, { code: 0, signal: null, stdout: '', stderr: '' });
    });

    it('installs again when the lock has changed', async () => {
      await setUp();
      await writePackage({ version: '1.0.1' });

      assert.match((await setUp()).stderr, /npm packages/);
    });

    it('adopts packages that npm installed by this lock', async () => {
      await setUp();
      await rm(`${checkout}/.switchyard/setup/npm`);

      assert.equal((await setUp()).stderr, '');
      assert.equal(existsSync(`${checkout}/.switchyard/setup/npm`), true);
    });

    it('works once when two are started together', async () => {
      const both = await Promise.all([setUp(), setUp()]);

      assert.deepEqual(
        both.map(({ code }) => code),
        [0, 0],
      );
      const output = both.map(({ stderr }) => stderr).join('');
      assert.equal(output.match(/npm packages …/g)?.length, 1, output);
      assert.equal(existsSync(`${checkout}/.switchyard/setup.lock`), false);
    });

    it('goes on after one that was killed', async () => {
      await writeFile(`${checkout}/.switchyard/setup.lock`, String(2 ** 22 + 1));

      assert.equal((await setUp()).code, 0);
    });

    it('gives its lock back when it is told to stop', async () => {
      await rm(`${checkout}/.switchyard/setup/tools`);
      await rm(`${checkout}/.switchyard/tools`);
      const PATH = await pathWith({ python3: 'exec sleep 60' });
      const child = start([], { PATH });
      await until(() => existsSync(`${checkout}/.switchyard/setup.lock`));

      child.kill('SIGTERM');

      assert.equal((await end(child)).code, 143);
      assert.equal(existsSync(`${checkout}/.switchyard/setup.lock`), false);
    });

    it('builds the bundles, and again after a source has changed', async () => {
      const stamp = `.switchyard/build/bundle.js.stamp`;
      await writeScript(
        'scripts/build-bundles.ts',
        `import { mkdirSync, writeFileSync } from 'node:fs';
         const folder = ${JSON.stringify(`${checkout}/.switchyard/build`)};
         mkdirSync(folder, { recursive: true });
         for (const name of ['bundle.js', 'bundle.js.stamp']) writeFileSync(folder + '/' + name, '');`,
      );
      assert.match((await setUp()).stderr, /workflow bundles: /);
      assert.equal((await setUp()).stderr, '');

      await writeScript('source.ts', 'export const changed = true;');
      assert.match((await setUp()).stderr, /workflow bundles: /);
      await rm(`${checkout}/${stamp}`);
      assert.match((await setUp()).stderr, /workflow bundles: /);
    });
  });

  describe('--python', () => {
    async function writeUvProject(folder: string, lock = true): Promise<void> {
      await mkdir(folder, { recursive: true });
      const about = 'name = "mine"\nversion = "0.1.0"\n';
      const toml = `[project]\n${about}requires-python = ">=3.10"\n[tool.uv]\npackage = false\n`;
      await writeFile(`${folder}/pyproject.toml`, toml);
      const own = `[[package]]\n${about}source = { virtual = "." }\n`;
      const text = `version = 1\nrevision = 3\nrequires-python = ">=3.10"\n\n${own}`;
      if (lock) await writeFile(`${folder}/uv.lock`, text);
    }

    it('makes the environment of a project anywhere, once, and not those it was not asked for', async () => {
      await setUp();
      await writeUvProject(`${checkout}/trainers/other`);
      await writeUvProject(`${checkout}/mine`);

      const first = await setUp(['--python', `${checkout}/mine`]);
      const second = await setUp(['--python', `${checkout}/mine`]);

      assert.match(first.stderr, /^set-up: Python packages of .*\/mine …\n.*\/mine: [\d.]+ s\n$/);
      assert.deepEqual(second, { code: 0, signal: null, stdout: '', stderr: '' });
      assert.equal(existsSync(`${checkout}/mine/.venv/bin/python`), true);
      assert.equal(existsSync(`${checkout}/trainers/other/.venv`), false);
      await rm(`${checkout}/mine/.venv`, { recursive: true });
      assert.match((await setUp(['--python', `${checkout}/mine`])).stderr, /mine: [\d.]+ s\n$/);
    });

    it('says what to type where the project has no lock', async () => {
      await setUp();
      await writeUvProject(`${checkout}/mine`, false);

      const ended = await setUp(['--python', `${checkout}/mine`]);

      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /\/mine has no uv\.lock: type uv lock there\n$/);
    });
  });

  describe('saying what is missing', () => {
    const lastLine = ({ stderr }: Ended) => stderr.trim().split('\n').at(-1);

    async function withoutTools(scripts: Record<string, string>): Promise<Ended> {
      await setUp();
      await rm(`${checkout}/.switchyard/setup/tools`);
      await rm(`${checkout}/.switchyard/tools`);
      return setUp([], { PATH: await pathWith(scripts) });
    }

    it('names Python where there is none', async () => {
      const ended = await withoutTools({});

      assert.equal(ended.code, 1);
      assert.equal(
        lastLine(ended),
        'Python 3.10 or newer is missing: apt-get install python3 python3-venv',
      );
    });

    it('names the Python that is too old', async () => {
      const ended = await withoutTools({ python3: 'echo 3.9' });

      assert.match(
        lastLine(ended) ?? '',
        /^Python 3\.10 or newer is missing \(python3 is 3\.9\): apt-get install/,
      );
    });

    it('names the venv module where Debian left it out', async () => {
      const python3 = 'case "$2" in *version_info*) echo 3.11;; *) exit 1;; esac';
      const ended = await withoutTools({ python3 });

      assert.equal(lastLine(ended), 'python3 has no venv module: apt-get install python3-venv');
    });

    it('takes the newer of two Pythons', async () => {
      const newer = 'case "$2" in *version_info*) echo 3.12;; *) exit 1;; esac';
      const ended = await withoutTools({ python3: 'echo 3.9', 'python3.12': newer });

      assert.match(lastLine(ended) ?? '', /^python3\.12 has no venv module/);
    });

    it('names npm where there is none', async () => {
      const ended = await setUp([], { PATH: await pathWith({}), npm_execpath: '' });

      assert.equal(lastLine(ended), 'npm is missing: install Node.js together with npm');
    });

    it('repeats what npm said, then says what to type', async () => {
      await writePackage({ locked: false });
      const ended = await setUp();

      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /in sync/);
      assert.match(lastLine(ended) ?? '', /^npm ci failed .*then type: npm run setup$/);
    });

    it('ends with the bundles that cannot be built', async () => {
      await writeScript('scripts/build-bundles.ts', `throw new Error('a broken import');`);
      const ended = await setUp();

      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /a broken import/);
      assert.match(lastLine(ended) ?? '', /^The build of the workflow bundles failed/);
    });

    it('refuses an unknown argument', async () => {
      const ended = await setUp(['--than', 'x.ts']);

      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /^Unknown argument --than: type node scripts\/setup\.js \[--then/);
    });
  });

  describe('--then', () => {
    beforeEach(async () => {
      assert.equal((await setUp()).code, 0);
    });

    const REPORTING = `process.stdout.write(process.pid + '\\n'); setInterval(() => {}, 1000);`;

    async function pidOf(child: SetUp): Promise<number> {
      const [chunk] = await once(child.stdout, 'data').then((values: unknown[]) => values);
      return Number(String(chunk).trim());
    }

    it('passes arguments on and ends with the exit code of the file', async () => {
      await writeScript(
        'file.ts',
        `console.log(process.argv.slice(2).join(' ')); process.exit(7);`,
      );

      const ended = await setUp(['--then', 'file.ts', 'one', '--two']);

      assert.deepEqual(ended, { code: 7, signal: null, stdout: 'one --two\n', stderr: '' });
    });

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`passes ${signal} on and ends as the file does`, async () => {
        await writeScript(
          'file.ts',
          `process.on('${signal}', () => process.exit(9)); ${REPORTING}`,
        );
        const child = start(['--then', 'file.ts']);
        await pidOf(child);

        child.kill(signal);
        await once(child, 'exit');

        assert.equal(child.exitCode, 9);
      });
    }

    it('ends by the signal that ended the file', async () => {
      await writeScript('file.ts', REPORTING);
      const child = start(['--then', 'file.ts']);
      process.kill(await pidOf(child), 'SIGKILL');

      await once(child, 'exit');

      assert.equal(child.signalCode, 'SIGKILL');
    });

    it('takes the file with it when it is killed', async () => {
      await writeScript('file.ts', REPORTING);
      const child = start(['--then', 'file.ts']);
      const pid = await pidOf(child);

      child.kill('SIGKILL');

      await until(() => !isAlive(pid));
    });
  });
});
