import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { randomInt, seededRandom } from '../../domain/random.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { loadProject } from '../../workers/project.js';
import { wireActivities } from '../../workers/wire.js';
import { bundleWorker } from './bundled-worker.js';
import { cellsOf, failpointOf, type Cell } from './cells.js';
import type { ChaosResult, ChaosRun } from './chaos-run.js';
import { COURSES, eventually, laneOf, type CourseName } from './courses.js';
import { violationsOf } from './invariants.js';
import { keepWorker, onLanes } from './lanes.js';
import { differences, isAtRest, remainsOf, runsOf, type Remains, type Repeats } from './remains.js';
import { openWorld, type World } from './world.js';

/** Cells that one worker carries, one after another, before it is replaced: few enough that all lanes end at the same time. */
const CELLS_A_WORKER = 6;
const LANES = 6;
/** The matrix is pruned to no more than this. */
export const MOST_CELLS = 150;

/** A cell, or the undisturbed run of a course, with the model that goes it. */
interface Piece {
  readonly name: string;
  readonly model: string;
  readonly course: CourseName;
  readonly cell: Cell | null;
}

/** With which attempt each call ended of the activities that do what is counted. */
type Tries = Readonly<Record<keyof Repeats, readonly number[]>>;

/** What a piece came to. */
interface Ended {
  readonly piece: Piece;
  readonly found: {
    readonly remains: Remains;
    readonly repeats: Repeats;
    readonly tries: Tries;
  } | null;
  readonly problems: readonly string[];
  readonly elapsedMs: number;
  readonly deaths: number;
}

/**
 * Every activity, broken before, in the middle and after, also as a part of an undo, by SIGKILL, an error and silence. After each cell
 * the bucket, the workflows and what was told must be what the undisturbed run of the same course left. `--only` names parts of
 * cells' names, `--count` takes that many at random, `--set lanes=N` sets how many workers work side by side.
 */
export const runMatrix: ChaosRun = async ({ seed, count, only, settings, say }) => {
  const all = cellsOf(await activityNames());
  const asked =
    only.length === 0 ? all : all.filter(({ name }) => only.some((each) => name.includes(each)));
  const cells = count === null ? asked : shuffled(asked, seed).slice(0, count);
  const lanes = settings['lanes'] ?? LANES;
  const ended = await runCells(shuffled(cells, seed), { lanes, say });
  return report(all.length, ended);
};

/** Runs the cells and the undisturbed courses that they are held against. */
export async function runCells(
  cells: readonly Cell[],
  { lanes, say }: { lanes: number; say: (line: string) => void },
): Promise<readonly Ended[]> {
  const run = randomUUID().slice(0, 6);
  const courses = [...new Set(cells.map(({ course }) => course))];
  const pieces: readonly Piece[] = [
    ...courses.map((course) => ({ name: `${course}, undisturbed`, course, cell: null })),
    ...cells.map((cell) => ({ name: cell.name, course: cell.course, cell })),
  ].map((piece, index) => ({ ...piece, model: `m${String(index).padStart(3, '0')}-${run}` }));
  const kinds = Object.fromEntries(
    pieces.map(({ model, course }) => [model, COURSES[course].kind]),
  );
  await using world = await openWorld({ models: kinds });
  await using bundled = await bundleWorker();
  const { program } = bundled;
  const ended: Ended[] = [];
  await onLanes(batches(pieces), lanes, async (batch, lane) => {
    const taskQueue = `${world.taskQueue}-${lane}`;
    const points = batch.flatMap(({ cell, model }) =>
      cell === null ? [] : [failpointOf(cell, model)],
    );
    const models = batch.map(({ model }) => [model, kinds[model]] as const);
    const environment = {
      ...bundled.environment,
      SWITCHYARD_FAILPOINTS: points.join(','),
      CHAOS_MODELS: JSON.stringify(Object.fromEntries(models)),
    };
    // each start of a worker makes a monitor read its plan anew: with its failpoint it would die for ever
    const spent = { ...environment, SWITCHYARD_FAILPOINTS: '' };
    await using worker = await keepWorker(
      world,
      { taskQueue, program, environment },
      { taskQueue, program, environment: batch.some(isMonitored) ? spent : environment },
    );
    for (const piece of batch) {
      const before = worker.deaths;
      const end = await runPiece(world, taskQueue, piece, () => worker.endings.slice(before));
      ended.push(end);
      say(
        `${end.problems.length === 0 ? 'ended' : 'FAILED'} ${piece.name}, ${(end.elapsedMs / 1_000).toFixed(1)} s`,
      );
    }
  });
  await world.stopProcesses();
  const left = await violationsOf({
    ...{ store: world.store, client: world.client, pids: world.pids, mark: world.mark },
    ...{ models: pieces.map(({ model }) => model), started: [] },
  });
  const whole = left.map((problem) => ({ piece: null, problem }));
  return [...compared(ended), ...whole.map(({ problem }) => wholeProblem(problem))];
}

function wholeProblem(problem: string): Ended {
  const piece = { name: 'all cells together', model: '', course: 'live', cell: null } as const;
  return { piece, found: null, problems: [problem], elapsedMs: 0, deaths: 0 };
}

async function runPiece(
  world: World,
  taskQueue: string,
  piece: Piece,
  endings: () => readonly string[],
): Promise<Ended> {
  const startedMs = performance.now();
  const { model, course, cell } = piece;
  const problems: string[] = [];
  let found: Ended['found'] = null;
  try {
    await COURSES[course].drive(laneOf(world, taskQueue), model);
    await eventually(`${model} is at rest`, () => isAtRest(world.client, model));
    const { remains, repeats } = await remainsOf(world, model);
    const tries = {
      trainerRuns: await attemptsOf(world, model, ['trainModel', 'convertToOnnx']),
      notices: await attemptsOf(world, model, ['notify']),
    };
    found = { remains, repeats, tries };
    if (cell !== null) {
      const attempts = await attemptsOf(world, model, [cell.activity]);
      if (!attempts.some((attempt) => attempt > 1)) {
        const ends = endings().join('; ') || 'it lived';
        problems.push(
          `the failpoint was never reached: attempts ${attempts.join(', ') || 'none'}; the worker: ${ends}; ${await standingsOf(world, model)}`,
        );
      }
    }
    if (cell?.does === 'kill' && endings().length === 0) problems.push('the worker did not die');
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  return {
    piece,
    found,
    problems,
    elapsedMs: performance.now() - startedMs,
    deaths: endings().length,
  };
}

/** How each run of a model stands, and which activities it has scheduled. */
async function standingsOf({ client }: World, model: string): Promise<string> {
  const standings = (await runsOf(client, model)).map(async ({ workflowId, runId }) => {
    const handle = client.workflow.getHandle(workflowId, runId);
    const { status, startTime } = await handle.describe();
    const { events } = await handle.fetchHistory();
    const scheduled = (events ?? []).flatMap(
      ({ activityTaskScheduledEventAttributes: given }) => given?.activityType?.name ?? [],
    );
    return `${workflowId} ${status.name} since ${startTime.toISOString()}: ${scheduled.join(' ')}`;
  });
  return (await Promise.all(standings)).join('; ');
}

/** Which attempt each call of some activities ended with. */
async function attemptsOf(
  { client }: World,
  model: string,
  activities: readonly string[],
): Promise<number[]> {
  const attempts: number[] = [];
  for (const { workflowId, runId } of await runsOf(client, model)) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const scheduled = new Set(
      (events ?? []).flatMap(({ eventId, activityTaskScheduledEventAttributes: given }) =>
        activities.includes(given?.activityType?.name ?? '') ? [String(eventId)] : [],
      ),
    );
    for (const { activityTaskStartedEventAttributes: given } of events ?? []) {
      if (given && scheduled.has(String(given.scheduledEventId))) attempts.push(given.attempt ?? 1);
    }
  }
  return attempts;
}

/** Each cell against the undisturbed run of its course. */
function compared(ended: readonly Ended[]): readonly Ended[] {
  return ended.map((end) => {
    const { cell, course } = end.piece;
    if (cell === null || end.found === null) return end;
    const undisturbed = ended.find(
      ({ piece }) => piece.cell === null && piece.course === course,
    )?.found;
    if (!undisturbed)
      return { ...end, problems: [...end.problems, `the course ${course} failed undisturbed`] };
    const { remains, repeats, tries } = end.found;
    return {
      ...end,
      problems: [
        ...end.problems,
        ...differences(undisturbed.remains, remains),
        ...repeatProblems(undisturbed.repeats, repeats, tries),
      ],
    };
  });
}

/**
 * What was sent or trained is not taken back: only an attempt after the first may have done it once more. A worker that dies takes
 * with it whatever else it does just then, a notice of another workflow too.
 */
function repeatProblems(undisturbed: Repeats, found: Repeats, tries: Tries): readonly string[] {
  return [
    ...repeatProblem('trainer runs', undisturbed.trainerRuns, found.trainerRuns, tries.trainerRuns),
    ...repeatProblem('notices', undisturbed.notices, found.notices, tries.notices),
  ];
}

function repeatProblem(
  what: string,
  expected: number,
  actual: number,
  attempts: readonly number[],
): readonly string[] {
  const again = attempts.reduce((sum, attempt) => sum + attempt - 1, 0);
  if (actual >= expected && actual <= expected + again) return [];
  return [`${actual} ${what}, undisturbed ${expected}, attempts after the first ${again}`];
}

function report(allCells: number, ended: readonly Ended[]): ChaosResult {
  const cells = ended.filter(({ piece }) => piece.cell !== null);
  const failed = ended.filter(({ problems }) => problems.length > 0);
  const equal = cells.filter(({ problems }) => problems.length === 0).length;
  const deaths = cells.reduce((sum, each) => sum + each.deaths, 0);
  const byWay = ['kill', 'throw', 'hang'].map((way) => {
    const some = cells.filter(({ piece }) => piece.cell?.does === way);
    const good = some.filter(({ problems }) => problems.length === 0).length;
    return `${way} ${good}/${some.length}`;
  });
  const slowest = [...cells].sort((left, right) => right.elapsedMs - left.elapsedMs)[0];
  return {
    figures: [
      `${equal} of ${cells.length} cells equal to the undisturbed run (${byWay.join(', ')}); the whole matrix has ${allCells}`,
      `${deaths} workers were killed; the slowest cell took ${((slowest?.elapsedMs ?? 0) / 1_000).toFixed(0)} s (${slowest?.piece.name ?? 'none'})`,
    ],
    violations: failed.flatMap(({ piece, problems }) =>
      problems.slice(0, 8).map((problem) => `${piece.name} (${piece.model}): ${problem}`),
    ),
  };
}

/** Whose monitor a worker starts by itself. */
const isMonitored = ({ course }: Piece) => course === 'watched' || course === 'renewed';

/** Pieces with monitors are alone with their worker. */
function batches(all: readonly Piece[]): readonly (readonly Piece[])[] {
  const pieces = all.filter((piece) => !isMonitored(piece));
  const result: (readonly Piece[])[] = all.filter(isMonitored).map((piece) => [piece]);
  for (let from = 0; from < pieces.length; from += CELLS_A_WORKER) {
    result.push(pieces.slice(from, from + CELLS_A_WORKER));
  }
  return result;
}

function shuffled<Item>(items: readonly Item[], seed: number): readonly Item[] {
  const random = seededRandom(seed);
  const rest = [...items];
  return items.flatMap(() => rest.splice(randomInt(random, rest.length), 1));
}

/** Of the very object that a worker registers, so that a new activity without a cell is seen. */
export async function activityNames(): Promise<readonly string[]> {
  const activities = wireActivities({
    project: await loadProject(join(PACKAGE_ROOT, 'switchyard.config.ts')),
    store: new MemoryObjectStore(),
    client: new Client({ connection: Connection.lazy() }),
    ...{ taskQueue: 'nowhere', workDir: 'nowhere', log: pino({ level: 'silent' }) },
  });
  return Object.keys(activities);
}
