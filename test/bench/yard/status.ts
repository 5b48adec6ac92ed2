import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fakeActivities } from '../../../testing/fake-activities.js';
import { startRig } from '../../../testing/rig.js';
import { testServers } from '../../../testing/servers.js';
import { until } from '../../../testing/until.js';
import type { Row } from '../benchmark.js';
import { interleave, median, spread } from '../rounds.js';

const ROUNDS = 6;
const PER_ROUND = 5;
const RATIO_LIMIT = 1.5;
const RUNS = 12;
/** As many as the command lists. */
const LIMIT = 20;
const OURS = fileURLToPath(new URL('../../../scripts/switchyard.js', import.meta.url));
const BARE = fileURLToPath(new URL('bare-list.js', import.meta.url));

const run = promisify(execFile);

/** `switchyard status` against a process that imports @temporalio/client and makes the same call; both by node itself. */
export const statusRow: Row = {
  name: 'status',
  run: async (say) => {
    const { temporal } = await testServers();
    await using rig = await startRig('status', (given) => fakeActivities(given));
    const { switchyard, taskQueue } = rig;
    const started = await Promise.all(
      Array.from({ length: RUNS }, (_, index) => switchyard.start({ model: `model-${index % 3}` })),
    );
    await until('all wait for a decision', async () => {
      const all = await Promise.all(started.map(({ workflowId }) => switchyard.status(workflowId)));
      return all.every(({ waitingFor }) => waitingFor.length > 0) || undefined;
    });
    const query = `WorkflowType = "modelLifecycle" AND TaskQueue = "${taskQueue}"`;
    const environment = { TEMPORAL_ADDRESS: temporal.address, SWITCHYARD_TASK_QUEUE: taskQueue };
    const taken = await interleave(
      {
        ours: () => timed([OURS, 'status'], environment),
        other: () => timed([BARE, temporal.address, query, String(LIMIT)], environment),
      },
      { rounds: ROUNDS, perRound: PER_ROUND, say },
    );
    return [
      {
        what: 'switchyard status, p50',
        unit: 'ms',
        value: median(taken.ours),
        other: { name: 'bare client', value: median(taken.other) },
        target: { of: 'ratio', atMost: RATIO_LIMIT },
        rounds: ROUNDS,
        note: `${PER_ROUND} of each a round, ${RUNS} open runs; ${spread(taken.ours, 'ms')} against ${spread(taken.other, 'ms')}`,
      },
    ];
  },
};

/** Runs a program of Node to its end, which must be a good one that lists every run; resolves to the milliseconds. */
async function timed(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<number> {
  const startedMs = performance.now();
  const { stdout } = await run(process.execPath, [...args], {
    env: { ...process.env, ...environment },
  });
  const ms = performance.now() - startedMs;
  const listed = new Set(stdout.match(/lifecycle\/model-\d\/\w+/g)).size;
  if (listed !== RUNS) throw new Error(`${args.join(' ')} lists ${listed} runs, not ${RUNS}`);
  return ms;
}
