/**
 * Checks the Python side: ruff's rules and layout, mypy's types, then the tests of each locked project in trainers/.
 *
 *     node scripts/check-python.js
 *
 * It has no dependencies beyond what `npm run setup` installs.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const UV = path.join(ROOT, '.switchyard/tools/bin/uv');
const RUFF_CONFIG = ['--config', path.join(ROOT, 'trainers/ruff.toml')];
const CHECKED = ['trainers', 'examples', 'test/bench'];
/** The one that has mypy; what others install besides is taken for anything. */
const TYPED_IN = 'trainers/sklearn';
/** The kit and the scripts that call it, each by its place: some have one name. */
const TYPED = ['trainers/kit/switchyard_kit', 'examples', 'scripts', 'test/workers'];
/** Its files are modules to each other. */
const COMPARATORS = 'test/bench/serving/comparators';

/** Ends with one sentence and the command's exit code. */
function fail(sentence, code = 1) {
  process.stderr.write(`${sentence}\n`);
  process.exit(code);
}

/** Runs a command inside a project's locked environment; the first that fails ends the check. */
function inProject(project, cwd, ...command) {
  const { status, error } = spawnSync(
    UV,
    ['run', '--quiet', '--locked', '--project', path.join(ROOT, project), ...command],
    {
      cwd: path.join(ROOT, cwd),
      stdio: ['ignore', 'inherit', 'inherit'],
      // Somebody else's active environment is not the one to check in.
      env: { ...process.env, VIRTUAL_ENV: '', UV_PROJECT_ENVIRONMENT: '.venv' },
    },
  );
  if (error) fail(`uv cannot be run: ${error.message}`);
  if (status !== 0) fail(`${project}: ${command.slice(0, 2).join(' ')} found something, see above`);
}

if (!fs.existsSync(UV)) fail('uv is missing in this checkout; type: npm run setup');

const projects = fs
  .readdirSync(path.join(ROOT, 'trainers'))
  .sort()
  .map((name) => `trainers/${name}`)
  .filter((folder) =>
    ['uv.lock', 'tests'].every((name) => fs.existsSync(path.join(ROOT, folder, name))),
  );

const [first] = projects;
if (first === undefined) fail('trainers/ holds no locked Python project with tests');
inProject(first, '.', 'ruff', 'check', '--quiet', ...RUFF_CONFIG, ...CHECKED);
inProject(first, '.', 'ruff', 'format', '--check', '--quiet', ...RUFF_CONFIG, ...CHECKED);
const MYPY = ['mypy', '--config-file', path.join(ROOT, 'trainers/mypy.ini'), '--no-error-summary'];
inProject(TYPED_IN, '.', ...MYPY, ...TYPED);
for (const folder of [COMPARATORS, ...projects.map((project) => `${project}/tests`)]) {
  inProject(TYPED_IN, folder, ...MYPY, '.');
}
for (const project of projects) inProject(project, project, 'pytest', '-q');
