/**
 * Installs what the lock files say into this checkout, once, and says in one sentence what is missing.
 *
 *     node scripts/setup.js                          set up, then end
 *     node scripts/setup.js --then FILE.ts ARGS…     set up, then run the file in the same terminal
 *
 * It has no dependencies, because it runs before there are any. What is already as the locks say
 * costs only their digests. Parts that do not wait for each other run at the same time.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const STATE = path.join(ROOT, '.switchyard');
const STAMPS = path.join(STATE, 'setup');
const LOCK = path.join(STATE, 'setup.lock');
const GUARD = path.join(ROOT, 'scripts/servers/guard.sh');
const TOOLS = path.join(STATE, 'tools');
const TRAINERS = path.join(ROOT, 'trainers');
const UV_REQUIREMENTS = path.join(TRAINERS, 'servers/uv-requirements.txt');
const BUNDLER = path.join(ROOT, 'scripts/build-bundles.ts');
const PYTHONS = ['python3', ...[10, 11, 12, 13, 14].map((minor) => `python3.${minor}`), 'python'];
const PLATFORM = `${process.platform}-${process.arch}`;

/** What the user can mend; its message is the one sentence that is printed. */
class Missing extends Error {}

const say = (line) => process.stderr.write(`set-up: ${line}\n`);
const running = new Set();

/** Starts a command that ends with this process; see guard.sh. */
function start(command, args, options) {
  const stdio = [...options.stdio, 'pipe'];
  const child = spawn('sh', [GUARD, '10', command, ...args], { cwd: ROOT, ...options, stdio });
  running.add(child);
  child.stdio[3].on('error', () => undefined);
  child.once('exit', () => {
    running.delete(child);
    child.stdio[3].end('ended\n');
  });
  return child;
}

/** Runs a command to its end; resolves to its exit code and the end of its output. */
function run(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-8192));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

/** Runs a command that must succeed; `what` begins the sentence if it does not. */
async function mustRun(what, command, args, env) {
  const { code, output } = await run(command, args, env);
  if (code === 0) return;
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  process.stderr.write(lines.slice(-12).join('\n') + '\n');
  throw new Missing(`${what} failed (${code}), see above; then type: npm run setup`);
}

function onPath(command) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => {
    try {
      fs.accessSync(path.join(folder, command), fs.constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');

function digest(...texts) {
  const hash = createHash('sha256').update(PLATFORM);
  for (const text of texts) hash.update('\0').update(text);
  return hash.digest('hex');
}

const stampOf = (name) => path.join(STAMPS, name);
const isStamped = (name, value) => read(stampOf(name)) === value;

function stamp(name, value) {
  fs.mkdirSync(STAMPS, { recursive: true });
  fs.writeFileSync(stampOf(name), value);
}

function npmPart() {
  const lockFile = path.join(ROOT, 'package-lock.json');
  const lock = read(lockFile);
  const installedFile = path.join(ROOT, 'node_modules/.package-lock.json');
  return {
    name: 'npm',
    label: 'npm packages',
    digest: digest(lock),
    isThere: () => fs.existsSync(installedFile),
    isMadeByHand: () =>
      fs.existsSync(installedFile) &&
      fs.statSync(installedFile).mtimeMs >= fs.statSync(lockFile).mtimeMs &&
      isInstalled(JSON.parse(lock).packages, JSON.parse(read(installedFile)).packages),
    make: async () => {
      const options = ['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
      const npm = process.env.npm_execpath;
      if (npm?.endsWith('npm-cli.js')) {
        await mustRun('npm ci', process.execPath, [npm, ...options]);
      } else {
        if (!onPath('npm')) throw new Missing('npm is missing: install Node.js together with npm');
        await mustRun('npm ci', 'npm', options);
      }
    },
  };
}

/** Whether the installed tree is the locked one: nothing more, and nothing less but optional packages. */
function isInstalled(locked, installed) {
  const same = (name) =>
    installed[name].version === locked[name]?.version &&
    installed[name].integrity === locked[name]?.integrity;
  const names = Object.keys(locked).filter((name) => name !== '');
  return (
    Object.keys(installed).every(same) &&
    names.every((name) => name in installed || locked[name].optional || locked[name].devOptional)
  );
}

async function findPython() {
  const tooOld = [];
  for (const command of PYTHONS.filter(onPath)) {
    const { code, output } = await run(command, [
      '-c',
      'import sys; print("%d.%d" % sys.version_info[:2])',
    ]);
    const [major, minor] = output.trim().split('.').map(Number);
    if (code === 0 && major === 3 && minor >= 10) return command;
    if (code === 0) tooOld.push(`${command} is ${output.trim()}`);
  }
  const found = tooOld.length > 0 ? ` (${tooOld.join(', ')})` : '';
  throw new Missing(
    `Python 3.10 or newer is missing${found}: apt-get install python3 python3-venv`,
  );
}

function toolsPart() {
  const uv = path.join(TOOLS, 'bin/uv');
  return {
    name: 'tools',
    label: 'uv',
    digest: digest(read(UV_REQUIREMENTS)),
    isThere: () => fs.existsSync(uv),
    make: async () => {
      const python = await findPython();
      const probe = await run(python, ['-c', 'import venv, ensurepip']);
      if (probe.code !== 0) {
        throw new Missing(`${python} has no venv module: apt-get install python3-venv`);
      }
      await mustRun('The Python environment for uv', python, ['-m', 'venv', '--clear', TOOLS]);
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
      await mustRun(
        'The installation of uv',
        path.join(TOOLS, 'bin/python'),
        [...pip, '--require-hashes', '--only-binary', ':all:', '-r', UV_REQUIREMENTS],
        { PIP_USER: '0' },
      );
    },
  };
}

/** One part for each locked Python project in trainers/. */
function pythonParts() {
  const folders = fs.existsSync(TRAINERS) ? fs.readdirSync(TRAINERS).sort() : [];
  // A project may take a neighbour by path, so each depends on what all of them declare.
  const declared = folders.map((name) => read(path.join(TRAINERS, name, 'pyproject.toml')));
  return folders
    .filter((name) => fs.existsSync(path.join(TRAINERS, name, 'uv.lock')))
    .map((name) => {
      const folder = path.join(TRAINERS, name);
      return {
        name: `python-${name}`,
        label: `Python packages of trainers/${name}`,
        digest: digest(read(path.join(folder, 'uv.lock')), ...declared),
        isThere: () => fs.existsSync(path.join(folder, '.venv/bin/python')),
        make: () =>
          mustRun(
            `uv sync of trainers/${name}`,
            path.join(TOOLS, 'bin/uv'),
            ['sync', '--locked', '--no-progress', '--project', folder],
            // Somebody else's active environment is not where these packages go.
            { VIRTUAL_ENV: '', UV_PROJECT_ENVIRONMENT: '.venv' },
          ),
      };
    });
}

/** The bundles depend on every TypeScript file that a worker may reach. */
function bundlePart() {
  const ignored = new Set(['node_modules', 'test', 'trainers']);
  const seen = [];
  const walk = (folder) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.name.startsWith('.') || ignored.has(entry.name)) continue;
      if (entry.isDirectory()) walk(file);
      else if (/\.[cm]?[jt]s$/.test(entry.name)) {
        const { size, mtimeMs } = fs.statSync(file);
        seen.push(`${path.relative(ROOT, file)} ${size} ${mtimeMs}`);
      }
    }
  };
  walk(ROOT);
  return {
    name: 'bundles',
    label: 'workflow bundles',
    digest: digest(read(path.join(ROOT, 'package-lock.json')), ...seen.sort()),
    isThere: () => true,
    make: () =>
      mustRun('The build of the workflow bundles', process.execPath, [
        '--import',
        import.meta.resolve('tsx'),
        BUNDLER,
      ]),
  };
}

const isDone = (part) => isStamped(part.name, part.digest) && part.isThere();

async function bring(part) {
  if (isDone(part)) return;
  if (part.isMadeByHand?.()) {
    stamp(part.name, part.digest);
    return;
  }
  fs.rmSync(stampOf(part.name), { force: true });
  const started = performance.now();
  say(`${part.label} …`);
  await part.make();
  stamp(part.name, part.digest);
  say(`${part.label}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Two chains that share nothing: npm then the bundles; uv then every Python project. */
function chains() {
  const javascript = [npmPart(), ...(fs.existsSync(BUNDLER) ? [bundlePart()] : [])];
  const python = pythonParts();
  return { javascript, python, tools: toolsPart() };
}

async function bringAll() {
  const { javascript, python, tools } = chains();
  const first = async () => {
    for (const part of javascript) await bring(part);
  };
  const second = async () => {
    await bring(tools);
    // One after the other: a sync is parallel inside, and npm is at work on the other core.
    for (const part of python) await bring(part);
  };
  await Promise.all([first(), second()]);
}

function isAllDone() {
  const { javascript, python, tools } = chains();
  return [...javascript, tools, ...python].every(isDone);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function tryCreate(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new Missing(`${file} cannot be written (${error.code}): make this folder writable`);
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The holder touches its lock every second; a pid alone may have been given to somebody else. */
function lockState() {
  try {
    const text = fs.readFileSync(LOCK, 'utf8');
    const beat = fs.statSync(LOCK).mtimeMs;
    // Empty: created, its pid not yet written.
    return { pid: text, key: `${text} ${beat}`, isHeld: text === '' || isAlive(Number(text)) };
  } catch {
    return null;
  }
}

/** Only one waiter at a time may break a dead lock, or it might break its successor's. */
function breakLock(key) {
  const breaking = `${LOCK}.breaking`;
  if (!tryCreate(breaking)) {
    const age =
      Date.now() - (fs.statSync(breaking, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 10_000) fs.rmSync(breaking, { force: true });
    return;
  }
  if (lockState()?.key === key) fs.rmSync(LOCK, { force: true });
  fs.rmSync(breaking, { force: true });
}

async function takeLock() {
  fs.mkdirSync(STATE, { recursive: true });
  let last = '';
  let unchanged = 0;
  while (!tryCreate(LOCK)) {
    const state = lockState();
    if (state !== null) {
      if (last === '') say(`another set-up (process ${state.pid}) is at work here, waiting for it`);
      unchanged = state.key === last ? unchanged + 1 : 0;
      last = state.key;
      if (!state.isHeld || unchanged > 150) breakLock(state.key);
    }
    await pause(100);
  }
  const beat = setInterval(() => fs.utimesSync(LOCK, new Date(), new Date()), 1000);
  beat.unref();
  return () => {
    clearInterval(beat);
    fs.rmSync(LOCK, { force: true });
  };
}

async function setUp() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Missing(`Node.js 20.19 or newer is missing (this is ${process.version}): install it`);
  }
  if (isAllDone()) return;
  const release = await takeLock();
  const onSignal = (signal) => {
    for (const child of running) child.kill('SIGTERM');
    release();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await bringAll();
  } finally {
    for (const child of running) child.kill('SIGTERM');
    for (const signal of signals) process.off(signal, onSignal);
    release();
  }
}

/** Runs the file as this process would have been: its terminal, its signals, its end. */
function become(file, args) {
  const node = ['--import', import.meta.resolve('tsx'), path.resolve(ROOT, file), ...args];
  const child = start(process.execPath, node, {
    cwd: process.cwd(),
    stdio: ['inherit', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both already; twice would mean "at once" to some.
      if (signal !== 'SIGINT' || !process.stderr.isTTY) child.kill(signal);
    });
  }
  child.once('error', (error) => {
    process.stderr.write(`${file} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const [flag, file, ...args] = process.argv.slice(2);
try {
  if (flag !== undefined && (flag !== '--then' || file === undefined)) {
    throw new Missing(
      `Unknown argument ${flag}: type node scripts/setup.js [--then FILE.ts ARGS…]`,
    );
  }
  await setUp();
  if (file !== undefined) become(file, args);
} catch (error) {
  process.stderr.write(`${error instanceof Missing ? error.message : error.stack}\n`);
  process.exit(1);
}
