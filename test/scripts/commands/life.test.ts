import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readDevState } from '../../../scripts/servers/dev-state.js';
import { isAlive } from '../../../scripts/servers/is-alive.js';
import { until } from '../../../testing/until.js';
import { beginCommand, typeCommand, type Typed } from '../../support/typed-command.js';

const CONFIG = fileURLToPath(new URL('fixtures/switchyard.config.ts', import.meta.url));
const REASON = ['--reason', 'the gates hold', '--by', 'ada@example.com'];

const answerSchema = z.looseObject({ webUi: z.string(), next: z.array(z.string()) });
const idOf = (answer: unknown) =>
  z.looseObject({ workflowId: z.string() }).parse(answer).workflowId;

describe('switchyard dev and the commands that talk to it', () => {
  let folder = '';
  let dev: Typed | undefined;

  async function startDev(): Promise<z.infer<typeof answerSchema>> {
    const started = beginCommand(['dev', '--config', CONFIG, '--json'], { folder });
    dev = started;
    let printed = '';
    started.child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await Promise.race([
      until(
        'dev says where it is',
        async () => (await Promise.resolve(printed.includes('\n'))) || undefined,
        60_000,
      ),
      started.ended.then(({ stderr }) => assert.fail(stderr)),
    ]);
    return answerSchema.parse(JSON.parse(printed));
  }

  async function stopDev(): Promise<void> {
    const stopping = dev;
    dev = undefined;
    if (stopping === undefined) return;
    const state = await readDevState(folder);
    stopping.child.kill('SIGINT');
    const { code, stderr } = await stopping.ended;
    assert.equal(code, 0, stderr);
    assert.equal(await readDevState(folder), null);
    const pids =
      state === null ? [] : [state.temporal.pid, state.s3.pid, ...Object.values(state.pids)];
    assert.equal(pids.length, 4);
    assert.deepEqual(pids.filter(isAlive), [], 'nothing is left running');
  }

  /** Types a command that must work; resolves to its text. */
  async function says(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await typeCommand(args, { folder });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** Types a command that must fail; resolves to its one sentence. */
  async function refuses(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await typeCommand(args, { folder });
    assert.equal(code, 1, stdout);
    return stderr;
  }

  async function told(...args: readonly string[]): Promise<z.infer<typeof answerSchema>> {
    return answerSchema.parse(JSON.parse(await says(...args, '--json')));
  }

  /** Carries a candidate through its approvals; resolves to what is told of it then. */
  async function carry(seed: number): Promise<string> {
    const started = await told('start', 'mails', '--seed', String(seed), '--wait');
    const workflowId = idOf(started);
    assert.match(
      started.next[0] ?? '',
      /^npx switchyard approve lifecycle\/mails\/\S+ --role data-science /,
    );
    assert.match(
      await says('approve', 'mails', ...REASON),
      /approved by ada@example.com \(data-science\)/,
    );
    return says('approve', workflowId, '--role', 'engineering', '--wait', ...REASON);
  }

  async function ending(workflowId: string, end: RegExp): Promise<void> {
    await until(`${workflowId} ends`, async () => {
      return end.test(await says('status', workflowId)) || undefined;
    });
  }

  before(async function () {
    this.timeout(90_000);
    folder = await mkdtemp(join(tmpdir(), 'switchyard-dev-'));
    const { webUi, next } = await startDev();
    assert.match(webUi, /^http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows$/);
    assert.equal(next[0], 'npx switchyard start mails');
  });
  after(async function () {
    this.timeout(60_000);
    await stopDev();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  it('carries a candidate to live, and shows, compares, fetches and asks versions', async function () {
    this.timeout(60_000);
    const shown = await carry(1);
    assert.match(shown, /: live\n/);
    assert.match(shown, /passed {2}accuracy is 1/);
    assert.match(shown, /next: {3}npx switchyard predict mails --text 'a text'/);

    assert.match(await carry(2), /: live\n/);
    const versions = await says('versions', 'mails');
    assert.match(versions, /^2 +[0-9a-f]{12} +live +train-accuracy 1/m);
    assert.match(versions, /^1 +[0-9a-f]{12} +previous/m);
    const show = await says('show', 'mails', '1');
    assert.match(show, /approved by ada@example.com \(engineering\): the gates hold/);
    assert.match(show, /tested on rows [0-9a-f]{12}: passed/);
    assert.match(await says('diff', 'mails', '1', '2'), /^lineage +seed +1 +2$/m);
    assert.match(await says('diff', 'mails', '2', '2'), /are the same/);

    const out = join(folder, 'out');
    await says('pull', 'mails', '2', '--out', out);
    assert.deepEqual((await readdir(out)).sort(), [
      'front-end.json',
      'manifest.json',
      'model.onnx',
    ]);
    assert.match(await readFile(join(out, 'front-end.json'), 'utf8'), /seed2/);
    assert.match(await refuses('pull', 'mails', '2', '--out', out), /is not empty/);

    const rows = join(folder, 'rows.jsonl');
    await writeFile(
      rows,
      '{"text": "refund", "label": "billing"}\n{"text": "parcel", "label": "access"}\n',
    );
    const predicted = await says('predict', 'mails', '--file', rows, '--text', 'password');
    assert.match(predicted, /^access +0\.999/m);
    assert.match(predicted, /^1 of 2 labels are right$/m);
    const old = await told('predict', 'mails', '--text', 'refund', '--version', '1');
    assert.equal(old['version'], '1');

    const taken = await told(
      'snapshot',
      'mails',
      '--until',
      '2026-01-02T00:00:00Z',
      '--config',
      CONFIG,
    );
    assert.equal(taken['rows'], 3);
  });

  it('lists runs with stage, who is waited for and version', async () => {
    const table = await says('status');
    assert.match(table, /^model +stage +waiting for +version +age +lifecycle$/m);
    assert.match(table, /^mails +live +- +2 +\d+ \w+ +lifecycle\/mails\/\w+$/m);
  });

  it('falls back, and holds a promotion while the model is frozen', async function () {
    this.timeout(60_000);
    assert.match(
      await says('freeze', 'mails', ...REASON),
      /^mails: frozen, generation \d+, in \d+ ms$/m,
    );
    assert.match(
      await says('fallback', 'mails', ...REASON),
      /fallen back, [0-9a-f]{12} serves, generation/,
    );
    assert.match(await says('versions', 'mails'), /^2 +\S+ +withdrawn/m);
    const waiting = await carry(3);
    assert.match(waiting, /waits for thaw/);
    assert.match(waiting, /npx switchyard thaw mails/);
    const workflowId = /^lifecycle\/\S+(?=:)/.exec(waiting)?.[0] ?? assert.fail(waiting);
    assert.match(await says('thaw', 'mails', ...REASON), /thawed/);
    await ending(workflowId, /: live\n/);
    assert.match(await says('thaw', 'mails', ...REASON), /nothing to thaw/);
  });

  it('leaves a follow-up of the fallback, which its role alone closes', async function () {
    this.timeout(60_000);
    const followUp = await until('the follow-up of the fallback', async () => {
      const table = await says('follow-ups', 'mails');
      return /^(follow-up\/mails\/fallback-g\d+) +mails +engineering +fallback/m.exec(table)?.[1];
    });
    assert.match(await says('status', 'mails'), /^1 follow-up of mails is open$/m);
    const mended = ['--reason', 'mended', '--by', 'grace@example.com', '--role'];
    assert.match(
      await refuses('close', followUp, ...mended, 'data-science'),
      /the role "data-science" does not close it; "engineering" owns it/,
    );
    assert.match(await says('close', followUp, ...mended, 'engineering'), /: closed by grace@/);
    assert.match(await says('follow-ups', '--all'), /closed by grace@example\.com/);
  });

  it('takes a no, and the end of a candidate', async function () {
    this.timeout(60_000);
    const one = idOf(await told('start', 'mails', '--seed', '4', '--wait'));
    const other = idOf(await told('start', 'mails', '--seed', '5'));
    assert.match(
      await refuses('reject', 'mails', ...REASON),
      /^2 runs of "mails" are open, so name one of them: lifecycle/,
    );
    assert.match(
      await refuses('approve', one, '--role', 'data-sciense', ...REASON),
      /did you mean "data-science"\?/,
    );
    assert.match(
      await refuses('approve', one, '--evidence', '0'.repeat(64), ...REASON),
      /is on the table, not 0{12}/,
    );
    await says('reject', one, ...REASON);
    await ending(one, /: refused/);
    await says('cancel', other);
    await ending(other, /: cancelled\n/);
    assert.match(await refuses('approve', 'mails', ...REASON), /no run of "mails" is open/);
  });

  it('names a wrong model before anything is started, and says that it runs already', async () => {
    assert.match(
      await refuses('start', 'mial'),
      /there is no model "mial", did you mean "mails"\?/,
    );
    const pid = String(dev?.child.pid);
    assert.match(
      await refuses('dev', '--config', CONFIG),
      new RegExp(`run already, as process ${pid}; its web UI is http`),
    );
  });

  it('goes on where it was after a restart', async function () {
    this.timeout(90_000);
    const before = await told('versions', 'mails');
    await stopDev();
    const { webUi } = await startDev();
    const after = await told('versions', 'mails');
    assert.deepEqual(after, before, 'the web UI has its address again, too');
    assert.ok(before.webUi.startsWith(webUi));
    assert.match(await says('status'), /^mails +live/m);
  });
});
