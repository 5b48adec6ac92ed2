/**
 * What set-up brings. Each part has a name, a digest of what it is made from, `isThere` and `make`;
 * a part whose digest is stamped and which is there costs nothing more.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Missing, mustRun, NPM_LOCK, onPath, ROOT, run, say } from './setup-run.js';

const STAMPS = path.join(ROOT, '.switchyard/setup');
const TOOLS = path.join(ROOT, '.switchyard/tools');
const TRAINERS = path.join(ROOT, 'trainers');
const SERVERS = path.join(TRAINERS, 'servers');
const UV_REQUIREMENTS = path.join(SERVERS, 'uv-requirements.txt');
const BUILD = path.join(ROOT, '.switchyard/build');
const BUNDLER = path.join(ROOT, 'scripts/build-bundles.ts');
const PYTHONS = ['python3', ...[10, 11, 12, 13, 14].map((minor) => `python3.${minor}`), 'python'];
const PLATFORM = `${process.platform}-${process.arch}`;

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
  const lock = read(NPM_LOCK);
  const installedFile = path.join(ROOT, 'node_modules/.package-lock.json');
  return {
    name: 'npm',
    label: 'npm packages',
    digest: digest(lock),
    isThere: () => fs.existsSync(installedFile),
    isMadeByHand: () =>
      fs.existsSync(installedFile) &&
      fs.statSync(installedFile).mtimeMs >= fs.statSync(NPM_LOCK).mtimeMs &&
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
  const names = Object.keys(locked).filter((name) => name.startsWith('node_modules/'));
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
      const target = path.join(TOOLS, 'bin/python');
      // A pip that can install elsewhere spares the new environment its own: seconds, and a package.
      const pip = await run(python, ['-m', 'pip', '--version']);
      const isNew = pip.code === 0 && Number(/^pip (\d+)/m.exec(pip.output)?.[1]) >= 23;
      if (!isNew && (await run(python, ['-c', 'import venv, ensurepip'])).code !== 0) {
        throw new Missing(`${python} has no venv module: apt-get install python3-venv`);
      }
      const makeVenv = ['-m', 'venv', '--clear', ...(isNew ? ['--without-pip'] : []), TOOLS];
      await mustRun('The Python environment for uv', python, makeVenv);
      const install = [
        ...['install', '--quiet', '--disable-pip-version-check', '--no-deps'],
        ...['--require-hashes', '--only-binary', ':all:', '-r', UV_REQUIREMENTS],
      ];
      await mustRun(
        'The installation of uv',
        isNew ? python : target,
        ['-m', 'pip', ...(isNew ? ['--python', target] : []), ...install],
        { PIP_USER: '0' },
      );
    },
  };
}

/** One part for each locked Python project: the servers' and the given ones, or without those all of trainers/. */
function pythonParts(wanted) {
  const shipped = fs.existsSync(TRAINERS) ? fs.readdirSync(TRAINERS).sort() : [];
  // A project may take a neighbour by path, so each depends on what all of them declare.
  const declared = shipped.map((name) => read(path.join(TRAINERS, name, 'pyproject.toml')));
  const folders = shipped
    .map((name) => path.join(TRAINERS, name))
    .filter((folder) => fs.existsSync(path.join(folder, 'uv.lock')))
    .filter((folder) => wanted.length === 0 || folder === SERVERS || wanted.includes(folder));
  return [...new Set([...folders, ...wanted])].map((folder) => pythonPart(folder, declared));
}

function pythonPart(folder, declared) {
  const isShipped = path.dirname(folder) === TRAINERS;
  const shown = isShipped ? `trainers/${path.basename(folder)}` : folder;
  const lock = read(path.join(folder, 'uv.lock'));
  if (lock === '') throw new Missing(`${folder} has no uv.lock: type uv lock there`);
  const own = isShipped ? [] : [read(path.join(folder, 'pyproject.toml'))];
  return {
    name: `python-${isShipped ? path.basename(folder) : digest(folder).slice(0, 12)}`,
    label: `Python packages of ${shown}`,
    digest: digest(lock, ...declared, ...own),
    isThere: () => fs.existsSync(path.join(folder, '.venv/bin/python')),
    make: () =>
      mustRun(
        `uv sync of ${shown}`,
        path.join(TOOLS, 'bin/uv'),
        ['sync', '--locked', '--no-progress', '--project', folder],
        // Somebody else's active environment is not where these packages go.
        { VIRTUAL_ENV: '', UV_PROJECT_ENVIRONMENT: '.venv' },
      ),
  };
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
    digest: digest(read(NPM_LOCK), ...seen.sort()),
    // Each bundle has its own stamp beside it.
    isThere: () => {
      const names = fs.existsSync(BUILD) ? fs.readdirSync(BUILD) : [];
      const stamps = names.filter((name) => name.endsWith('.stamp'));
      return stamps.length > 0 && stamps.every((name) => names.includes(name.slice(0, -6)));
    },
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

/** Two chains that share nothing: npm then the bundles, in a checkout; uv then every Python project. */
function chains(wanted) {
  const javascript = [
    ...(fs.existsSync(NPM_LOCK) ? [npmPart()] : []),
    ...(fs.existsSync(BUNDLER) ? [bundlePart()] : []),
  ];
  const python = pythonParts(wanted);
  return { javascript, python, tools: toolsPart() };
}

/**
 * Brings every part that is not as its lock says; `wanted` names the folders of the Python projects that are needed besides the
 * servers' one, and is empty for all of the package's own.
 */
export async function bringAll(wanted) {
  const { javascript, python, tools } = chains(wanted);
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

/** Whether there is nothing to do; costs the digests only. */
export function isAllDone(wanted) {
  const { javascript, python, tools } = chains(wanted);
  return [...javascript, tools, ...python].every(isDone);
}
