import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readDevState } from '../../../scripts/servers/dev-state.js';
import { until } from '../../../testing/until.js';
import { beginCommand, typeCommand, type Typed } from '../../support/typed-command.js';

const CONFIG = fileURLToPath(new URL('fixtures/watched.config.ts', import.meta.url));

const statusSchema = z.looseObject({
  rows: z.array(
    z.looseObject({ kind: z.string(), verdict: z.string(), accuracy: z.number().nullable() }),
  ),
});
const schedulesSchema = z.looseObject({
  schedules: z.array(z.looseObject({ model: z.string(), paused: z.boolean(), next: z.string() })),
});
const startedSchema = z.looseObject({ workflowId: z.string() });
const inferredSchema = z.looseObject({ id: z.string() });

describe('the commands monitor, labels and schedule', () => {
  let folder = '';
  let dev: Typed | undefined;
  let endpointUrl = '';

  async function says(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await typeCommand(args, { folder });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async function refuses(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await typeCommand(args, { folder });
    assert.equal(code, 1, stdout);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    return stderr;
  }

  const schedules = async () =>
    schedulesSchema.parse(JSON.parse(await says('schedule', 'list', '--json'))).schedules;
  const rows = async () =>
    statusSchema.parse(JSON.parse(await says('monitor', 'status', 'mails', '--json'))).rows;

  before(async function () {
    this.timeout(90_000);
    folder = await mkdtemp(join(tmpdir(), 'switchyard-watch-'));
    const started = beginCommand(['dev', '--config', CONFIG, '--json'], { folder });
    dev = started;
    await Promise.race([
      until(
        'dev says where it is',
        async () => (await readDevState(folder))?.urls['endpoint'] ?? undefined,
        60_000,
      ),
      started.ended.then(({ stderr }) => assert.fail(stderr)),
    ]);
    endpointUrl = (await readDevState(folder))?.urls['endpoint'] ?? '';
  });
  after(async function () {
    this.timeout(60_000);
    dev?.child.kill('SIGINT');
    await dev?.ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  it('shows, pauses, resumes and triggers the schedule that the worker made', async function () {
    this.timeout(60_000);
    const [made] = await until('the worker has made it', async () => {
      const found = await schedules();
      return found.length > 0 ? found : undefined;
    });
    assert.deepEqual([made?.model, made?.paused], ['mails', false]);
    assert.match(made?.next ?? '', /T03:00:00/);
    assert.match(await says('schedule', 'pause', 'mails', '--reason', 'x'), /is paused/);
    await until('it is paused', async () => (await schedules())[0]?.paused || undefined);
    assert.match(await says('schedule', 'resume', 'mails'), /goes on/);
    assert.match(await says('schedule', 'trigger', 'mails'), /starts a lifecycle now/);
    await until(
      'the lifecycle that it started is found',
      async () => /lifecycle\/mails\/scheduled-20/.test(await says('status')) || undefined,
    );
    assert.match(await refuses('schedule', 'pause', 'nails'), /"nails" has no schedule/);
  });

  it('judges what is asked of a version, and its accuracy once labels are added', async function () {
    this.timeout(120_000);
    assert.match(await refuses('labels', 'add', 'mails', '--file', 'none.csv'), /cannot be read/);
    const started: unknown = JSON.parse(await says('start', 'mails', '--wait', '--json'));
    const { workflowId } = startedSchema.parse(started);
    const approval = ['--role', 'data-science', '--reason', 'fine', '--by', 'ada@example.com'];
    await says('approve', workflowId, ...approval, '--wait');
    const ids: string[] = [];
    const ask = async () => {
      const inputs = [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['refund, please'] }];
      const url = `${endpointUrl}/v2/models/mails/infer`;
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
      ids.push(inferredSchema.parse(await answer.json()).id);
    };
    await until(
      'a window passes',
      async () => {
        await ask();
        return (await rows()).some(({ verdict }) => verdict === 'passed') || undefined;
      },
      60_000,
    );
    await writeFile(
      join(folder, 'labels.csv'),
      `requestId,label\n${ids.map((id) => `${id},billing\n`).join('')}`,
    );
    const added = await says('labels', 'add', 'mails', '--file', 'labels.csv');
    assert.match(added, new RegExp(`${ids.length} labels added to mails`));
    assert.match(
      await says('labels', 'add', 'mails', '--file', 'labels.csv'),
      /0 labels added to mails, \d+ were there already/,
    );
    const accuracy = await until(
      'its accuracy is judged',
      async () =>
        (await rows()).find(({ kind, accuracy }) => kind === 'accuracy' && accuracy !== null),
      60_000,
    );
    assert.deepEqual([accuracy.verdict, accuracy.accuracy], ['passed', 1]);
  });

  it('pauses and resumes the monitor, and refuses what is not there in one sentence', async function () {
    this.timeout(60_000);
    assert.match(await says('monitor', 'pause', 'mails', '--reason', 'campaign'), /is paused/);
    assert.match(await says('monitor', 'status', 'mails', '--now'), /paused by .*: campaign/);
    assert.match(await says('monitor', 'resume', 'mails'), /goes on/);
    assert.match(await says('monitor', 'start', 'mails'), /the monitor of mails runs/);
    assert.match(
      await refuses('monitor', 'start', 'unwatched'),
      /the specification of "unwatched" has neither monitor nor retrain\.onNewData/,
    );
    assert.match(await refuses('monitor', 'status', 'nails'), /"nails" has no monitor that runs/);
    assert.match(await refuses('monitor', 'start', 'nails'), /there is no model "nails"/);
    await writeFile(join(folder, 'bad.csv'), 'requestId,label\nr-1,\n');
    const bad = await refuses('labels', 'add', 'mails', '--file', 'bad.csv');
    assert.match(bad, /bad\.csv, line 2: label/);
  });
});
