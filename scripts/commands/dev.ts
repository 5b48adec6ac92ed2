import { rm } from 'node:fs/promises';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isPortError, PortError } from '../../domain/failures.js';
import { loadProject } from '../../workers/project.js';
import { takeDevLock, type DevLock } from '../servers/dev-lock.js';
import { choosePorts } from '../servers/dev-ports.js';
import {
  leftBehind,
  readDevState,
  removeDevState,
  writeDevState,
  type DevState,
} from '../servers/dev-state.js';
import { setUpProject } from '../set-up-project.js';
import { devStateOf, startStack, type Stack } from '../stack.js';
import type { Answer } from './terminal/answer.js';
import { defineCommand, type Asked } from './terminal/define-command.js';
import { wholeNumber } from './terminal/numbers.js';
import { renderTable } from './terminal/table.js';
import type { Terminal } from './terminal/terminal.js';
import { typed } from './terminal/words.js';

const MOST_WORKERS = 16;
/** What a killed start left behind has this long to end; it is told to at once. */
const LEFT_BEHIND_MS = 15_000;
const POLL_MS = 100;

const OPTIONS = {
  workers: { type: 'string', value: 'N', about: 'worker processes; 1 where left out' },
  fresh: { type: 'boolean', about: 'start empty: delete versions and histories of earlier starts' },
  config: { type: 'string', value: 'FILE', about: 'the configuration; switchyard.config.ts' },
} as const;

/** `switchyard dev`: Temporal with its web UI, S3, workers and an endpoint, until Ctrl-C; what they hold is kept for the next start. */
export const runDev = defineCommand({
  name: 'dev',
  takes: '',
  summary: 'starts Temporal with its web UI, S3, workers and an endpoint here, until Ctrl-C',
  more: [
    'Versions and histories are kept in .switchyard/dev: the next start goes on where this one was.',
  ],
  options: OPTIONS,
  endsItself: true,
  run: dev,
});

async function dev({ values, terminal }: Asked<typeof OPTIONS>): Promise<Answer> {
  const workers = wholeNumber('--workers', values.workers, { min: 1, max: MOST_WORKERS }) ?? 1;
  const folder = process.cwd();
  const config = resolve(values.config ?? 'switchyard.config.ts');
  const project = await loadProject(config);
  const models = Object.keys(project.models);
  const lock = await takeFolder(folder);
  const directory = join(folder, '.switchyard', 'dev');
  try {
    await setUpProject(project, terminal.interrupted);
    await terminal.during('waiting for the end of an earlier start', untilEnded(folder));
    if (values.fresh) await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    const ports = await choosePorts(directory);
    const starting = startStack({ directory, workers, config, models, ports }).catch(partBroke);
    const what = `starting Temporal, S3, ${workers === 1 ? 'a worker' : `${workers} workers`} and an endpoint`;
    const stack = await terminal.during(what, orInterrupted(starting, terminal));
    const state = devStateOf(stack, models);
    await writeDevState(folder, state);
    const stays = stay(stack, terminal).finally(async () => {
      await removeDevState(folder, process.pid);
      await lock[Symbol.asyncDispose]();
    });
    return { ...answerOf(state, models), stays };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws PortError `InvalidRequest` where the folder's servers run already. */
async function takeFolder(folder: string): Promise<DevLock> {
  const lock = await takeDevLock(folder);
  const running = await readDevState(folder);
  if (!('heldBy' in lock) && running === null) return lock;
  if (!('heldBy' in lock)) await lock[Symbol.asyncDispose]();
  const pid = 'heldBy' in lock ? lock.heldBy : running?.pid;
  const where = running === null ? 'it is starting' : `its web UI is ${running.temporal.uiUrl}`;
  throw new PortError(
    'InvalidRequest',
    `the servers of this folder run already, as process ${pid ?? 'unknown'}; ${where}: type ${typed('status')}, or end that process with Ctrl-C`,
  );
}

/** A start that was killed leaves its servers to their guards, which end them within seconds; until then they hold the data. */
async function untilEnded(folder: string): Promise<void> {
  const deadline = Date.now() + LEFT_BEHIND_MS;
  while (Date.now() < deadline && (await leftBehind(folder)).length > 0) await pause(POLL_MS);
}

/** A part's own last words say what to mend. */
function partBroke(error: unknown): never {
  if (isPortError(error) || !(error instanceof Error)) throw error;
  throw new PortError('SetUpMissing', error.message, { cause: error });
}

/** What was under way is in Temporal and S3, so that it waits for the next start. */
function partEnded(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  const goesOn = `everything else was stopped; type ${typed('dev')}, and what was under way goes on`;
  throw new PortError('SetUpMissing', `${error.message}; ${goesOn}`, { cause: error });
}

/** Ctrl-C during the start ends this process, and with it, by their guards, what came up. */
function orInterrupted<Value>(work: Promise<Value>, { interrupted }: Terminal): Promise<Value> {
  const interruption = once(interrupted, 'abort').then(() => {
    throw new Error('interrupted during the start');
  });
  return Promise.race([work, interruption]);
}

/** Until Ctrl-C, or until a part ends by itself: then it rejects, saying which. */
async function stay(stack: Stack, terminal: Terminal): Promise<void> {
  terminal.ifInterrupted('stopping; what was made is kept for the next start');
  try {
    await Promise.race([once(terminal.interrupted, 'abort'), stack.broken.catch(partEnded)]);
  } finally {
    await stack.stop();
  }
}

function answerOf(state: DevState, models: readonly string[]): Answer {
  const { temporal, s3, urls, pids } = state;
  const endpoint = urls['endpoint'] ?? '';
  const workers = Object.keys(pids).filter((name) => name.startsWith('worker')).length;
  const [model = '<model>'] = models;
  return {
    lines: [
      ...renderTable([
        ['Temporal', temporal.address],
        ['S3', `${s3.endpoint}, bucket ${s3.bucket}`],
        ['endpoint', `${endpoint}/v2/models/${model}`],
        ['workers', String(workers)],
        ['models', models.join(', ')],
      ]),
      '',
      'Everything runs until Ctrl-C. In another terminal, in this folder, type:',
    ],
    facts: {
      pid: state.pid,
      temporal: temporal.address,
      s3: { endpoint: s3.endpoint, bucket: s3.bucket },
      endpoint,
      ...{ pids, models },
    },
    webUi: `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows`,
    next: [
      typed('start', model),
      typed('status', model),
      typed('approve', model, '--reason', 'your reason'),
    ],
  };
}
