import { createHash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ChaosRun } from './chaos-run.js';
import { carry, decided, endOf, idOf, laneOf, type Lane } from './courses.js';
import { KINDS } from './fixtures/kinds.js';
import { ledgerOf, violationsOf, watchLive } from './invariants.js';
import { keepWorker, onLanes } from './lanes.js';
import { startTcpProxy } from './tcp-proxy.js';
import { LEFT_CELLS, ledgerOfRows, UNDO_CELLS, type UndoCell } from './undo-cells.js';
import { openWorld, type World } from './world.js';

const LANES = 5;

/** A cell that leaves another version live than before names it. */
type AnyCell = UndoCell & { readonly live?: number };

/** What a cell came to. */
export interface EndedCell {
  readonly cell: AnyCell;
  readonly problems: readonly string[];
  readonly elapsedMs: number;
}

/**
 * A failure at every step of a lifecycle, and a second fault inside the undo: afterwards what serves, and every object that was
 * there, is as before; or the ledger says `conflicted` or `failed`, and waits for a person. `--only` names parts of cells' names,
 * `--set lanes=N` sets how many workers work side by side.
 */
export const runUndo: ChaosRun = async ({ only, count, settings, say }) => {
  const all: readonly AnyCell[] = [...UNDO_CELLS, ...LEFT_CELLS];
  const asked = all.filter(
    ({ name }) => only.length === 0 || only.some((each) => name.includes(each)),
  );
  const cells = asked.slice(0, count ?? undefined);
  const { ended, violations } = await runUndoCells(cells, {
    lanes: settings['lanes'] ?? LANES,
    say,
  });
  const good = ended.filter(({ problems }) => problems.length === 0);
  const rows = ended.flatMap(({ cell }) => Object.values(cell.ledger));
  const kinds = ['restored', 'already-clean', 'conflicted', 'failed'].map(
    (end) => `${rows.filter((row) => row === end).length} ${end}`,
  );
  return {
    figures: [
      `${good.length} of ${ended.length} cells left what was there before, or said why not; undos: ${kinds.join(', ')}`,
      ...ended.map(
        ({ cell, problems, elapsedMs }) =>
          `${problems.length === 0 ? 'PASS' : 'FAIL'}  ${cell.name} (${(elapsedMs / 1_000).toFixed(0)} s)`,
      ),
    ],
    violations: [
      ...ended.flatMap(({ cell, problems }) =>
        problems.map((problem) => `${cell.name}: ${problem}`),
      ),
      ...violations,
    ],
  };
};

/** Runs cells, each with a worker and a model of its own; then the invariants are looked at over all of them. */
export async function runUndoCells(
  cells: readonly AnyCell[],
  { lanes, say }: { lanes: number; say: (line: string) => void },
): Promise<{ ended: readonly EndedCell[]; violations: readonly string[] }> {
  const run = randomUUID().slice(0, 6);
  const pieces = cells.map((cell, index) => ({
    cell,
    model: `u${String(index).padStart(3, '0')}-${run}`,
  }));
  const kinds = Object.fromEntries(pieces.map(({ cell, model }) => [model, cell.kind]));
  await using world = await openWorld({ models: kinds });
  const models = Object.keys(kinds);
  const watch = watchLive(world.store, models);
  const ended: EndedCell[] = [];
  await onLanes(pieces, lanes, async ({ cell, model }, lane) => {
    const startedMs = performance.now();
    const problems = await runUndoCell(world, {
      cell,
      model,
      taskQueue: `${world.taskQueue}-${lane}`,
    }).catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
    ended.push({ cell, problems, elapsedMs: performance.now() - startedMs });
    say(`${problems.length === 0 ? 'PASS' : 'FAIL'}  ${cell.name}`);
  });
  await world.stopProcesses();
  const violations = await violationsOf({
    ...{ store: world.store, client: world.client, models, pids: world.pids, mark: world.mark },
    started: pieces
      .filter(({ cell }) => cell.live === undefined)
      .map(({ model }) => idOf(model, 2)),
  });
  return { ended, violations: [...violations, ...(await watch.stop())] };
}

async function runUndoCell(
  world: World,
  { cell, model, taskQueue }: { cell: AnyCell; model: string; taskQueue: string },
): Promise<readonly string[]> {
  const lane = laneOf(world, taskQueue);
  await using proxy = await startTcpProxy(Number(new URL(world.servers.s3.endpoint).port));
  const environment = {
    CHAOS_MODELS: JSON.stringify({ [model]: cell.kind }),
    S3_ENDPOINT: proxy.url,
  };
  const failpoints = { SWITCHYARD_FAILPOINTS: cell.failpoints?.join(',') ?? '' };
  await using worker = await keepWorker(
    world,
    { taskQueue, environment: { ...environment, ...failpoints } },
    { taskQueue, environment },
  );
  if (cell.hasBaseline !== false) await goLive(lane, model, cell);
  const before = await standing(world, model);
  await cell.drive(lane, model, { proxy, replaceWorker: () => worker.replace() });
  const workflowId = idOf(model, 2);
  const end = await endOf(lane, workflowId);
  const rows = ledgerOfRows(await ledgerOf(world.client, workflowId));
  const { runId } = await world.client.workflow.getHandle(workflowId).describe();
  const staged = await world.store.list(`staging/${runId}/`);
  const after = await standing(world, model);
  return [
    ...(cell.end.split(' or ').includes(end) ? [] : [`it ended ${end}, expected ${cell.end}`]),
    ...(isLedger(rows, cell.ledger)
      ? []
      : [`its ledger says ${JSON.stringify(rows)}, expected ${JSON.stringify(cell.ledger)}`]),
    ...(staged.objects.length === 0 ? [] : [`${staged.objects.length} staged objects are left`]),
    ...standingProblems(before, after, cell.live),
  ];
}

function isLedger(rows: UndoCell['ledger'], expected: UndoCell['ledger']): boolean {
  const steps = Object.keys(expected);
  return (
    isDeepStrictEqual(Object.keys(rows), steps) &&
    steps.every((step) => expected[step]?.split(' or ').includes(rows[step] ?? ''))
  );
}

async function goLive(lane: Lane, model: string, { kind }: AnyCell): Promise<void> {
  if (!('approve' in KINDS[kind])) return carry(lane, model, 1, 'live');
  const workflowId = idOf(model, 1);
  await lane.switchyard.start({ model, seed: 1 }, { workflowId });
  await decided(lane, workflowId, 'approved');
  const end = await endOf(lane, workflowId);
  if (end !== 'live') throw new Error(`${workflowId} ended ${end}, and a baseline is needed`);
}

/** What serves and what lies there, at one time. */
interface Standing {
  readonly generation: number;
  /** Version number; null: nothing. */
  readonly live: number | null;
  /** `live.json` without generation, write and time. */
  readonly pointer: unknown;
  /** Digests of the model's objects by key. */
  readonly objects: ReadonlyMap<string, string>;
}

async function standing({ store, registry }: World, model: string): Promise<Standing> {
  const state = (await registry.live(model))?.state;
  const { generation = 0, live = null, withdrawn = [], served = [], frozen = null } = state ?? {};
  const keys = await Promise.all(
    [`models/${model}/`, `datasets/rows-${model}/`].map(
      async (prefix) => (await store.list(prefix)).objects,
    ),
  );
  const objects = new Map<string, string>();
  for (const { key } of keys.flat().filter((each) => !each.key.endsWith('/live.json'))) {
    const bytes = (await store.get(key))?.bytes ?? new Uint8Array();
    objects.set(key, createHash('sha256').update(bytes).digest('hex'));
  }
  const version = served.find(({ digest }) => digest === live)?.version ?? null;
  return { generation, live: version, pointer: { live, withdrawn, served, frozen }, objects };
}

function standingProblems(
  before: Standing,
  after: Standing,
  live: number | undefined,
): readonly string[] {
  const changed = [...before.objects].filter(([key, digest]) => after.objects.get(key) !== digest);
  const isBack =
    live === undefined ? isDeepStrictEqual(before.pointer, after.pointer) : after.live === live;
  return [
    ...changed.map(([key]) => `${key} is gone or changed`),
    ...(isBack
      ? []
      : [
          `live.json holds ${JSON.stringify(after.pointer)}, before ${JSON.stringify(before.pointer)}`,
        ]),
    ...(after.generation >= before.generation ? [] : ['its generation went back']),
  ];
}
