import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { readDevState } from '../../scripts/servers/dev-state.js';
import { isAlive } from '../../scripts/servers/is-alive.js';
import { until } from '../../testing/until.js';
import { copyCheckout } from './checkout-copy.js';
import { guideCommands } from './guide.js';
import { Shell } from './shell.js';

const GUIDE = readFileSync(join(PACKAGE_ROOT, 'docs/your-first-model.md'), 'utf8');
const README = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');
const MODEL = 'my-project';
const MIB = 2 ** 20;

const WRONG = `import { defineModel } from 'switchyard';
const train = { trainer: 't', source: 's' };
// @ts-expect-error
defineModel({ model: 'm', train, test: { gatez: [] } });
defineModel({ model: 'm', train, test: { gates: [{ metric: 'accuracy', min: 0.5 }] } });
`;

const BUNDLE = `import { bringWorkflowBundle, createLog } from 'switchyard/worker';
const project = { workflows: 'workflows.ts', root: process.cwd() };
const { code } = await bringWorkflowBundle(project, createLog('test', 'silent'));
console.log(['nightlyRefresh', 'modelLifecycle', 'liveModel'].filter((name) => code.includes(name)));
`;

/** The example's workflows, as a project has them. */
function ownWorkflows(): string {
  return readFileSync(join(PACKAGE_ROOT, 'examples/own-workflow/workflows.ts'), 'utf8')
    .replace("'../../workflows/compose.js'", "'switchyard/workflows'")
    .replace("'../../domain/lifecycle.js'", "'switchyard'");
}

/** What a user brings: two columns, with what CSV allows in a text. */
function userCsv(): string {
  const texts = {
    billing: ['You charged my card twice', 'The invoice is wrong', 'Where is my refund?'],
    access: ['I cannot log in', 'My password does not work', 'The code never arrives'],
    delivery: ['The parcel is late', 'The courier was not here', 'Wrong address on the label'],
  };
  const openings = ['Hello,', 'Good morning,\n', 'To whom it may ""concern"",', 'Hi', 'Again:'];
  const endings = ['please help', 'since Monday', 'it is urgent', 'thanks', 'äöü ключ'];
  const rows = Object.entries(texts).flatMap(([label, parts]) =>
    parts.flatMap((part) =>
      openings.flatMap((opening) =>
        endings.map((ending) => `"${opening} ${part}, ${ending}.",${label}\r\n`),
      ),
    ),
  );
  return `text,label\r\n${rows.join('')}`;
}

/** The README's first program, as a file of a project. */
function readmeProgram(): string {
  const [, snippet = ''] = /<!-- snippet: [^>]+ -->\n\n```ts\n(.*?)```/s.exec(README) ?? [];
  return `import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { connectClient, Switchyard, type LifecycleOutcome } from 'switchyard';

const { temporal } = JSON.parse(readFileSync('.switchyard/dev.json', 'utf8'));
const connected = await connectClient({ address: temporal.address });
const { client } = connected;
const by = 'ada@example.com';
const key = undefined; // nothing is signed here
${snippet.replaceAll("'tickets'", `'${MODEL}'`)}
export const outcome: LifecycleOutcome = end;
await connected.close();
`;
}

describe('the package', function () {
  this.timeout(600_000);
  let place = '';
  let one: Shell | undefined;
  let two: Shell | undefined;
  const startedMs = performance.now();

  const commands = guideCommands(GUIDE);
  const commandsOf = (terminal: string) => commands.filter((each) => each.terminal === terminal);
  const inProject = (file: string) => join(place, MODEL, file);
  const run = (command: string) =>
    promisify(execFile)('sh', ['-c', command], { cwd: inProject('') });

  before('its checkout beside a CSV', async () => {
    place = await mkdtemp(join(tmpdir(), 'switchyard-package-'));
    await copyCheckout(join(place, 'switchyard'));
    await writeFile(join(place, 'mails.csv'), userCsv());
  });
  after(async () => {
    await two?.interrupt();
    await one?.interrupt();
    await rm(place, { recursive: true, force: true, maxRetries: 3 });
  });

  it('is built, packed, installed and started by what the guide says for the first terminal', async () => {
    one = new Shell(join(place, 'switchyard'));
    const typed = commandsOf('1');
    assert.ok(typed.length >= 5);
    for (const { command } of typed.slice(0, -1)) await one.run(command);
    const [last] = typed.slice(-1);
    assert.equal(last?.command, 'npx switchyard dev');
    await one.start(last.command, `npx switchyard start ${MODEL}`);
  });

  it('carries two versions to live and falls back by what the guide says for the second', async () => {
    await mkdir(inProject(''), { recursive: true });
    two = new Shell(inProject(''));
    const predictions: string[] = [];
    for (const { command, again } of commandsOf('2')) {
      const shell = two;
      const look = async () => {
        const output = await shell.run(command);
        return again === null || output.includes(`: ${again}`) ? output : undefined;
      };
      const output = await until(command, look, 120_000);
      if (command.includes(' predict ')) predictions.push(output);
    }
    assert.equal(predictions.length, 2); // of the first version, and after the fallback from the second
    for (const each of predictions) assert.match(each, /^billing .*\n.* version 1, digest/m);
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    console.log(`      a CSV's own model live, replaced, and back: ${seconds} s`);
    assert.ok(seconds < 900);
  });

  it('runs the lifecycle of the README in a project, with types that refuse a wrong key', async () => {
    await writeFile(inProject('lifecycle.ts'), readmeProgram());
    await writeFile(inProject('wrong.ts'), WRONG); // tsc complains where it sees nothing wrong there
    await writeFile(inProject('workflows.ts'), ownWorkflows());
    const [types, program] = await Promise.all([
      run('npx tsc'),
      run('node --import tsx lifecycle.ts'),
    ]);

    assert.equal(types.stdout, '');
    assert.match(program.stdout, /^live\n/);
    assert.match(program.stdout, /kind: 'fallen-back'/);
  });

  it('bundles workflows that a project composes of the stages', async () => {
    await writeFile(inProject('bundle.ts'), BUNDLE);

    const { stdout } = await run('node --import tsx bundle.ts');

    assert.equal(stdout, "[ 'nightlyRefresh', 'modelLifecycle', 'liveModel' ]\n");
  });

  it('is what publint asks of a package, and private', async () => {
    const { messages, pkg } = await publint({ pkgDir: join(place, 'switchyard'), strict: true });

    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
    assert.equal(pkg['private'], true);
  });

  it('passes the test that a new project begins with', async () => {
    const { stdout } = await run('npm test');

    assert.match(stdout, /# pass 1\n# fail 0\n/);
  });

  it('is of reasonable size', async () => {
    const [tarball = ''] = (await readdir(join(place, 'switchyard'))).filter((name) =>
      name.endsWith('.tgz'),
    );
    const { size } = await stat(join(place, 'switchyard', tarball));

    console.log(`      the tarball: ${(size / MIB).toFixed(2)} MiB`);
    assert.ok(size < 2 * MIB);
  });

  it('leaves nothing running after Ctrl-C', async () => {
    const dev = await readDevState(inProject(''));
    assert.ok(dev);
    await one?.interrupt();

    const pids = [dev.pid, dev.temporal.pid, dev.s3.pid, ...Object.values(dev.pids)];
    assert.ok(pids.length >= 5);
    assert.deepEqual(pids.filter(isAlive), []);
  });
});
