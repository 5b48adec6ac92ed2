import { modelsOfRuns, modelsWithPointer } from '../../adapters/registry/lost-runs.js';
import { RegistryWatch } from '../../adapters/registry/registry-watch.js';
import { connectClient } from '../../client/connect.js';
import { Lifecycles } from '../../client/lifecycles.js';
import { Monitors } from '../../client/monitors.js';
import { putReconcileSchedule } from '../../client/reconcile-schedule.js';
import { TemporalRuns } from '../../client/reconciler.js';
import { Schedules } from '../../client/schedules.js';
import { registerSearchAttributes } from '../../client/search-attributes.js';
import { isPortError, PortError } from '../../domain/failures.js';
import { liveVersionOf, type LiveState } from '../../domain/live-state.js';
import { shortDigest } from '../../domain/names.js';
import type { CheckedProject } from '../../domain/project.js';
import { loadProject } from '../../workers/project.js';
import type { Answer } from './terminal/answer.js';
import { openBucket, type Bucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, requireModel } from './terminal/place.js';
import { answered } from './terminal/session.js';
import type { Terminal } from './terminal/terminal.js';
import { typed } from './terminal/words.js';

const DEFAULT_CONFIG = 'switchyard.config.ts';

/** `switchyard adopt [<model>]`: makes again what Temporal has lost, of what the bucket holds. */
export const runAdopt = defineCommand({
  name: 'adopt',
  takes: '[<model>]',
  summary: 'makes again what Temporal’s database has lost: what serves, monitors, schedules',
  more: [
    'Starts liveModel where it does not run, and lets it read live.json; starts monitors, and makes the schedules, as the',
    'configuration says. What was on its way to live is lost: its staged files are named. It may be typed again.',
  ],
  options: {
    config: { type: 'string', value: 'FILE', about: `${DEFAULT_CONFIG} where left out` },
  },
  run: async ({ values, words: [model], terminal }) => {
    const place = await findPlace();
    const bucket = openBucket(place);
    const project = await readProject(values.config);
    const connected = await connectClient({ ...place.temporal, isImpatient: true });
    try {
      const { client, address } = connected;
      const given = { client, taskQueue: place.taskQueue };
      await requireWorker(new Lifecycles(given), place.taskQueue, address);
      const known = await terminal.during('reading the bucket', modelsWithPointer(bucket.store));
      if (model !== undefined && !known.includes(model)) {
        requireModel(place, model);
        throw nothingOf(model, bucket.name);
      }
      // an empty database lacks them, and a workflow that sets one would stall
      await registerSearchAttributes(client);
      const runs = new TemporalRuns(given);
      const pointers: Adopted[] = [];
      for (const each of model === undefined ? known : [model]) {
        pointers.push(await adoptOne(terminal, { model: each, runs, bucket }));
      }
      const orders = await giveOrders(terminal, { project, given, model });
      return answerOf({ pointers, ...orders, lost: await lostRuns(bucket, runs), project });
    } finally {
      await connected.close();
    }
  },
});

function nothingOf(model: string, bucket: string): PortError {
  return new PortError(
    'UnknownModel',
    `the bucket "${bucket}" has no live.json of a model "${model}": nothing of it has ever served`,
    { details: { model } },
  );
}

/** Null where there is no configuration here: then there is nothing to say of monitors and schedules. */
async function readProject(config: string | undefined): Promise<CheckedProject | null> {
  try {
    return await loadProject(config ?? DEFAULT_CONFIG);
  } catch (error) {
    const isAbsent = config === undefined && isPortError(error) && error.type === 'SetUpMissing';
    if (isAbsent) return null;
    throw error;
  }
}

async function requireWorker(
  lifecycles: Lifecycles,
  taskQueue: string,
  address: string,
): Promise<void> {
  if ((await lifecycles.workers()) > 0) return;
  throw new PortError(
    'SetUpMissing',
    `no worker polls the task queue "${taskQueue}" of ${address}, and liveModel needs one to read live.json: start one and type this again`,
  );
}

interface Adopted {
  readonly model: string;
  readonly was: 'lost' | 'behind' | 'known';
  readonly generation: number;
  readonly version: number | null;
  readonly digest: string | null;
  readonly frozen: LiveState['frozen'];
}

async function adoptOne(
  terminal: Terminal,
  { model, runs, bucket }: { model: string; runs: TemporalRuns; bucket: Bucket },
): Promise<Adopted> {
  const known = await answered(terminal, `live/${model}`, runs.knownGeneration(model));
  await answered(terminal, `adopting live.json of ${model}`, runs.adopt(model));
  const reading = await bucket.registry.live(model);
  const state = reading?.state ?? null;
  const generation = state?.generation ?? 0;
  const was = known === 'not-running' ? 'lost' : known === generation ? 'known' : 'behind';
  const served = state === null ? null : liveVersionOf(state);
  return {
    ...{ model, was, generation, version: served?.version ?? null },
    ...{ digest: state?.live ?? null, frozen: state?.frozen ?? null },
  };
}

/** Monitors, schedules and the reconciler, as every worker's start makes them. */
async function giveOrders(
  terminal: Terminal,
  {
    project,
    given,
    model,
  }: {
    project: CheckedProject | null;
    given: ConstructorParameters<typeof Monitors>[0];
    model: string | undefined;
  },
): Promise<{ monitors: readonly string[]; schedules: readonly string[] }> {
  if (project === null) return { monitors: [], schedules: [] };
  const { models, reconcile } = project;
  const own = Object.entries(models).filter(([name]) => model === undefined || name === model);
  const starting = new Monitors(given).startAll(Object.fromEntries(own));
  const monitors = await answered(terminal, 'starting monitors', starting);
  const schedules = [...(await new Schedules(given).apply(models)).keys()];
  await putReconcileSchedule(given, reconcile);
  return { monitors, schedules };
}

/** Staged runs that Temporal knows nothing of, with the model that they were of where evidence tells. */
async function lostRuns(
  { store }: Bucket,
  runs: TemporalRuns,
): Promise<readonly { readonly run: string; readonly model: string | null }[]> {
  const { staging } = await new RegistryWatch(store).staged();
  const states = await runs.runs(staging.map(({ run }) => run));
  const lost = staging.filter(({ run }) => !states.has(run)).map(({ run }) => run);
  const models = await modelsOfRuns(store, lost);
  return lost.map((run) => ({ run, model: models.get(run) ?? null }));
}

function answerOf(given: {
  pointers: readonly Adopted[];
  monitors: readonly string[];
  schedules: readonly string[];
  lost: Awaited<ReturnType<typeof lostRuns>>;
  project: CheckedProject | null;
}): Answer {
  const { pointers, monitors, schedules, lost, project } = given;
  const again = [...new Set(lost.map(({ model }) => model ?? '<model>'))];
  return {
    lines: [
      ...(pointers.length === 0
        ? ['no model of this bucket has a live.json: nothing to adopt']
        : []),
      ...pointers.map(pointerLine),
      ...monitors.map((model) => `${model}: its monitor runs`),
      ...schedules.map((model) => `${model}: its schedule is as the configuration says`),
      ...(project === null
        ? [`there is no ${DEFAULT_CONFIG} here: a worker’s start makes monitors and schedules`]
        : []),
      ...lost.map(
        ({ run, model }) =>
          `run ${run} of ${model ?? 'some model'} is lost; its staged files stay until a sweep`,
      ),
    ],
    facts: { pointers, monitors, schedules, lost },
    webUi: null,
    next: [...again.map((model) => typed('start', model)), typed('verify'), typed('status')],
  };
}

const SAID = {
  lost: 'was lost and runs again',
  behind: 'has read live.json',
  known: 'knew all of it',
} as const;

function pointerLine({ model, was, generation, version, digest, frozen }: Adopted): string {
  const serves =
    version === null
      ? 'nothing is live'
      : `version ${version} (${shortDigest(digest ?? '')}) is live`;
  const ice = frozen === null ? '' : `, frozen by ${frozen.by}`;
  return `${model}: live/${model} ${SAID[was]}, generation ${generation}, ${serves}${ice}`;
}
