import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { startEndpoint, type RunningEndpoint } from '../../serving/serve.js';
import { aTested } from '../../testing/builders.js';
import type { ToSign } from '../../domain/lifecycle.js';
import { fakeActivities } from '../../testing/fake-activities.js';
import { until } from '../../testing/until.js';
import { readWorkflowBundle } from '../../workers/bundle.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { publishVersions, type Published } from '../bench/lifecycle/publish-versions.js';
import type { ChaosGiven, ChaosResult } from '../chaos/chaos-run.js';
import { attackedTrust, HAND_OFFS, honest, type Keys } from './forgeries.js';
import { openGate, type GateWorld } from './gate-world.js';

const FLOOD = 10_000;
/** Whoever decides after a flood waits no longer. */
const PATIENCE_MS = 60_000;
/** Of a lifecycle's workflow task. */
const TASK_TIMEOUT_MS = 2_000;
const LONG = 'x'.repeat(1_000);

interface Scene {
  readonly world: GateWorld;
  readonly keys: Keys;
  /** What nobody approved. */
  readonly evil: Published;
  readonly violations: string[];
  readonly say: ChaosGiven['say'];
}

/**
 * `npm run attack -- frontend`: whoever has all that Temporal gives, and nothing else, against an installation whose decisions are
 * signed. No version that nobody approved may serve, and what serves may not stop.
 */
export async function runFrontend({
  count,
  say,
}: Pick<ChaosGiven, 'count' | 'say'>): Promise<ChaosResult> {
  const { keys, trust } = attackedTrust();
  const violations: string[] = [];
  await using world = await openGate('frontend', { trust, handOffs: HAND_OFFS });
  const [, evil] = await publishVersions(world.registry, world.model, 2);
  if (evil === undefined) throw new Error('nothing was published');
  const scene: Scene = { world, keys, evil, violations, say };
  await carryHonestly(scene);
  await using folder = await temporaryFolder();
  const endpoint = await startEndpoint({
    ...{ registry: world.registry, runtime: new ChildModelRuntime(), models: [world.model] },
    ...{ replica: 'attacked', cacheDirectory: join(folder.path, 'cache'), pollMs: 50 },
    trust: { read: () => Promise.resolve(world.trust) },
  });
  const watch = watchServing(scene, endpoint);
  try {
    for (const [name, attack] of Object.entries(ATTACKS)) {
      await attack(scene, count ?? FLOOD);
      say(`${name}: done, ${violations.length} violations`);
    }
  } finally {
    const { answers, wrong } = await watch.stop();
    violations.push(...wrong);
    await endpoint.close();
    say(`${answers} answers of the approved version meanwhile`);
  }
  const live = (await world.registry.live(world.model))?.state;
  if (live?.live !== world.published.digest)
    violations.push(`live.json names ${live?.live ?? 'nothing'}`);
  return {
    figures: [
      `${Object.keys(ATTACKS).length} attacks through an open frontend: ${Object.keys(ATTACKS).join(', ')}`,
    ],
    violations,
  };
}

/** One version by the book; it serves from then on. */
async function carryHonestly({ world, keys }: Scene): Promise<void> {
  const { workflowId, about } = await world.waiting(keys.mary);
  const { switchyard } = world.rig;
  for (const key of [keys.ada, keys.grace]) await switchyard.decide(workflowId, honest(key, about));
  await switchyard.decide(workflowId, honest(keys.joan, about, { role: 'engineering' }));
  const { outcome } = await switchyard.outcome(workflowId);
  if (outcome !== 'live') throw new Error(`the honest lifecycle ended ${outcome}`);
}

/** Asks all the time: every answer must come, and from the version that was approved. */
function watchServing({ world }: Scene, endpoint: RunningEndpoint) {
  const stopping = new AbortController();
  const wrong: string[] = [];
  let answers = 0;
  const url = `${endpoint.url}/v2/models/${world.model}/infer`;
  const body = JSON.stringify({
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['refund'] }],
  });
  const asking = (async () => {
    while (!stopping.signal.aborted) {
      const answer = await fetch(url, { method: 'POST', body });
      const text = await answer.text();
      if (!answer.ok) wrong.push(`an answer ${answer.status}: ${text.slice(0, 200)}`);
      else if (!text.includes(world.published.digest))
        wrong.push(`another version answers: ${text}`);
      else answers += 1;
      await pause(50);
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await asking;
      return { answers, wrong: [...new Set(wrong)] };
    },
  };
}

const ATTACKS: Readonly<Record<string, (scene: Scene, flood: number) => Promise<void>>> = {
  'a promotion by update': promoteByUpdate,
  'a rogue worker': rogueWorker,
  'hostile inputs': hostileInputs,
  'a reset': resetLifecycle,
  'a flood of signals': floodOfSignals,
  'a batch of signals': batchOfSignals,
  'terminating everything': terminateEverything,
};

function evilChange({ world, evil }: Scene, decisions: readonly unknown[] = []) {
  const { version, digest, artifact, evidence } = evil;
  const candidate = { version, digest, artifact, evidence, decisions };
  return { kind: 'promote', candidate, baseline: world.published.digest };
}

/** The pointer's own workflow, asked for a promotion without, and with borrowed, decisions. */
async function promoteByUpdate(scene: Scene): Promise<void> {
  const { world, violations } = scene;
  const handle = world.rig.client.workflow.getHandle(liveWorkflowId(world.model));
  const live = (await world.registry.live(world.model))?.state;
  const borrowed = live?.served[0]?.decisions ?? [];
  for (const decisions of [[], borrowed]) {
    const answer = await handle
      .executeUpdate('change', { args: [evilChange(scene, decisions)] })
      .then(JSON.stringify, () => null);
    if (answer !== null) violations.push(`liveModel took a promotion: ${answer}`);
  }
}

/** A worker on the same queue whose activities say what suits the attacker, with workers of ours beside it. */
async function rogueWorker(scene: Scene): Promise<void> {
  const { world, evil, violations, say } = scene;
  const { client, taskQueue } = world.rig;
  const connection = await NativeConnection.connect({ address: world.address });
  let asked = 0;
  const rogue = fakeActivities(
    { client, taskQueue },
    {
      overrides: {
        writeLive: () => {
          asked += 1;
          return Promise.resolve({
            ...({ kind: 'promoted', generation: 99, live: evil.digest, left: null } as const),
            ...{ direct: [], picture: { live: null, previous: null, withdrawn: [], frozen: null } },
          });
        },
        // it was tested, it passed, and nobody needs to be asked
        assembleEvidence: ({ baseline }) => {
          asked += 1;
          return Promise.resolve(aTested({ baseline, evidence: evil.evidence, roles: [] }));
        },
      },
    },
  );
  const worker = await Worker.create({
    ...{ connection, namespace: client.options.namespace, taskQueue, activities: rogue },
    workflowBundle: await readWorkflowBundle(),
  });
  await worker.runUntil(async () => {
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      const workflowId = await world.start();
      await promoteByUpdate({ ...scene, violations: [] }); // it may well say yes: it is the rogue's word
      await Promise.race([world.rig.switchyard.outcome(workflowId).catch(() => null), pause(300)]);
      await world.rig.switchyard.cancel(workflowId).catch(() => undefined); // it may have ended
    }
  });
  await connection.close();
  say(`the rogue worker was asked ${asked} times`);
  if (asked === 0) violations.push('the rogue worker was never asked, so that nothing was tried');
  const live = (await world.registry.live(world.model))?.state.live;
  if (live !== world.published.digest) violations.push('a rogue worker changed live.json');
}

/** Inputs that would run a command, leave a folder, or stall a workflow. */
async function hostileInputs({ world, violations }: Scene): Promise<void> {
  const { client, taskQueue } = world.rig;
  const mark = join('/tmp', `switchyard-attack-${randomBytes(4).toString('hex')}`);
  const command = `$(touch ${mark}); touch ${mark} #`;
  const { model } = world;
  const inputs: readonly (readonly [string, unknown])[] = [
    ['modelLifecycle', { model: `../${model}` }],
    ['modelLifecycle', { model: command }],
    ['modelLifecycle', { model, parameters: { c: command, __proto__: { x: 1 } }, seed: 'x' }],
    ['modelLifecycle', { model, spec: { train: { trainer: command } } }],
    ['modelLifecycle', 'x'.repeat(1_000_000)],
    ['modelLifecycle', null],
    ['liveModel', { model: `${model}/../other` }],
    ['liveModel', { model, carried: { known: { kind: 'promoted', live: 'x' } } }],
    ['monitorModel', { model: command }],
    ['reconcile', { model: command }],
    ['followUp', { model: command, key: '../x' }],
  ];
  for (const [type, input] of inputs) {
    const workflowId = `hostile/${randomBytes(6).toString('hex')}`;
    const handle = await client.workflow.start(type, {
      ...{ workflowId, taskQueue, args: [input], memo: { outcome: 'live', version: 1 } },
    });
    const end = await Promise.race([
      handle.result().then(
        () => 'it completed',
        () => 'refused',
      ),
      pause(10_000, 'it goes on'),
    ]);
    if (end !== 'refused') {
      violations.push(`${type} with ${JSON.stringify(input).slice(0, 80)}: ${end}`);
      await handle.terminate();
    }
  }
  if (existsSync(mark)) violations.push('a command was run');
}

/** Back to its first task, after one person has approved: what was approved before is of other evidence. */
async function resetLifecycle({ world, keys, violations }: Scene): Promise<void> {
  const { client, switchyard } = world.rig;
  const { workflowId, about } = await world.waiting(keys.mary);
  await switchyard.decide(workflowId, honest(keys.ada, about));
  const handle = client.workflow.getHandle(workflowId);
  const { events } = await handle.fetchHistory();
  const task = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  const { runId } = await handle.describe();
  await client.workflowService.resetWorkflowExecution({
    ...{ namespace: client.options.namespace, reason: 'the attack', requestId: workflowId },
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId: task?.eventId ?? null,
  });
  const again = await until('it asks again', async () => {
    const { toSign, decisions } = await switchyard.status(workflowId);
    return toSign !== null && toSign.nonce !== about.nonce ? { decisions } : undefined;
  });
  if (again.decisions.length > 0) violations.push('an approval outlived the evidence it was of');
  await switchyard.cancel(workflowId);
}

/** As many signals as a run takes; then an honest person decides. */
async function floodOfSignals(scene: Scene, flood: number): Promise<void> {
  const { keys } = scene;
  await floodOne(scene, flood, (about) => [
    'approve',
    { ...honest(keys.eve, about), reason: LONG },
  ]);
  // each looks as if Ada had signed it, so that it takes a verification to see that she did not
  await floodOne(scene, flood, (about) => {
    const forged = { header: { kid: keys.ada.kid } };
    const made = honest(keys.eve, about, { statement: { sub: keys.ada.person }, forged });
    return ['approve', made];
  });
  await floodOne(scene, flood, () => ['lookAgain', { because: LONG }]);
}

async function floodOne(
  { world, keys, violations, say }: Scene,
  flood: number,
  make: (about: ToSign) => readonly [string, unknown],
): Promise<void> {
  const { client, switchyard } = world.rig;
  const { workflowId, about } = await world.waiting(keys.mary);
  const handle = client.workflow.getHandle(workflowId);
  const [signal, junk] = make(about);
  let sent = 0;
  for (let from = 0; from < flood; from += 200) {
    const some = Array.from({ length: Math.min(200, flood - from) }, () =>
      handle.signal(signal, junk),
    );
    const ends = await Promise.allSettled(some);
    sent += ends.filter(({ status }) => status === 'fulfilled').length;
  }
  const askedMs = performance.now();
  const late = new AbortController();
  const patience = pause(PATIENCE_MS, 'late', { signal: late.signal }).catch(() => 'over');
  const deciding = switchyard.decide(workflowId, honest(keys.ada, about)).then(() => 'decided');
  if ((await Promise.race([deciding, patience])) === 'late') {
    violations.push(`no decision comes through within ${PATIENCE_MS} ms of ${signal}`);
  }
  late.abort();
  const tookMs = Math.round(performance.now() - askedMs);
  const replayMs = await replayTime(world, workflowId);
  say(
    `${sent} signals ${signal}: a decision then took ${tookMs} ms, a replay from the beginning ${replayMs} ms`,
  );
  if (replayMs >= TASK_TIMEOUT_MS) {
    violations.push(
      `after ${signal} a replay takes ${replayMs} ms: no worker could take the run up again`,
    );
  }
  const { decisions, refusals } = await switchyard.status(workflowId);
  if (decisions.length !== 1) violations.push(`${decisions.length} decisions after a flood`);
  // a short flood does no harm, so what would stop a long one must be seen
  if (signal === 'approve' && !/so no more are read/.test(refusals.at(-1) ?? '')) {
    violations.push(`of ${sent} junk signals every one is read`);
  }
  await switchyard.cancel(workflowId);
}

/** How long a worker takes that has to read all of a run's history. */
async function replayTime({ rig }: GateWorld, workflowId: string): Promise<number> {
  const history = await rig.client.workflow.getHandle(workflowId).fetchHistory();
  const workflowBundle = await readWorkflowBundle();
  const startedMs = performance.now();
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
  return Math.round(performance.now() - startedMs);
}

/** One order that signals every open run at once. */
async function batchOfSignals({ world, keys, violations }: Scene): Promise<void> {
  const { client, switchyard } = world.rig;
  const waiting = [await world.waiting(), await world.waiting()];
  const [first] = waiting;
  if (first === undefined) return;
  const forged = honest(keys.eve, first.about);
  const { namespace, loadedDataConverter } = client.options;
  const input = { payloads: [loadedDataConverter.payloadConverter.toPayload(forged)] };
  const jobId = randomBytes(6).toString('hex');
  await client.workflowService.startBatchOperation({
    ...{ namespace, jobId, reason: 'the attack' },
    visibilityQuery: `ModelName = "${world.model}" AND ExecutionStatus = "Running"`,
    signalOperation: { signal: 'approve', input, identity: 'joan@example.com' },
  });
  for (const { workflowId } of waiting) {
    await until('the batch has come', async () => {
      const { refusals, decisions } = await switchyard.status(workflowId);
      if (decisions.length > 0) violations.push('a batch of signals brought a decision');
      return refusals.length > 0 ? true : undefined;
    });
    await switchyard.cancel(workflowId);
  }
}

/** Every open run is terminated, the pointer's too. */
async function terminateEverything({ world }: Scene): Promise<void> {
  const { client, taskQueue } = world.rig;
  await world.waiting();
  const query = `TaskQueue = "${taskQueue}" AND ExecutionStatus = "Running"`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    await client.workflow
      .getHandle(workflowId, runId)
      .terminate('the attack')
      .catch(() => undefined);
  }
  await pause(2_000); // what serves is asked meanwhile
}
