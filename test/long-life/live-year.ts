import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import type { LiveChangeResult } from '../../domain/live-state.js';
import { liveWorkflowId, moveOn } from '../../workflows/messages.js';
import { aDigest } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { startTimeSkippingServer, type TimeSkippingServer } from '../../testing/time-skipping.js';
import { until } from '../../testing/until.js';
import { historyFigures, type HistoryFigures } from './figures.js';

const DAY_MS = 86_400_000;

/** A day takes milliseconds. */
const STUCK_MS = 2_000;

/** As `liveModel` has it: a run ends with its hundredth change. */
const CHANGES_PER_RUN = 100;

/** How long after a run's last change a fallback is sent into its end: before, while and after the next run begins. */
const OFFSETS_MS = [0, 2, 5, 10, 20, 40];

/** As long as the schemas let them be: what is carried is at its largest. */
const BY = 'g'.repeat(200);
const WHY = 'r'.repeat(2_000);

/** What a year of a live pointer came to. */
export interface LiveYear extends HistoryFigures {
  readonly days: number;
  readonly changes: number;
  readonly fallbacks: { readonly sent: number; readonly answered: number };
  /** Fallbacks that were sent while a run ended and the next began. */
  readonly intoAnEnd: number;
  /** Requests that were sent again to a later run; each must be answered as it was, and write nothing. */
  readonly repeated: number;
}

/** One model's pointer, and everybody who gives it orders. */
class Orders {
  readonly fallbacks = { sent: 0, answered: 0 };
  intoAnEnd = 0;
  repeated = 0;
  changes = 0;
  #versions = 0;
  /** Changes that the run has been given, about: what is retried counts too. */
  #inRun = 0;
  readonly #rig: Rig;
  readonly #live: MemoryLive;
  readonly #pointer: TemporalLivePointer;

  constructor(rig: Rig, live: MemoryLive) {
    this.#rig = rig;
    this.#live = live;
    this.#pointer = new TemporalLivePointer(rig);
  }

  get model(): string {
    return this.#rig.taskQueue;
  }

  get #handle() {
    return this.#rig.client.workflow.getHandle(liveWorkflowId(this.model));
  }

  /**
   * A version goes live and a fallback leaves it. Where one change is left to the run, a thaw of what is not frozen is that one, and
   * the fallback meets the run's end.
   */
  async promoteAndLeave(): Promise<void> {
    await this.#promote('promoted');
    if (await this.#isLast()) await this.#fallBackInto(() => this.#thaw());
    else await this.#fallBack();
  }

  /** What a freeze stops, a fallback while it lasts, and the thaw; not near a run's end, which it would take the fallback from. */
  async freeze(): Promise<void> {
    if (this.#inRun >= CHANGES_PER_RUN - 10) return;
    await this.#promote('promoted');
    await this.#counted(() => this.#rig.switchyard.freeze(this.model, { by: BY, reason: WHY }));
    for (let each = 0; each < 3; each += 1) await this.#promote('frozen');
    await this.#fallBack();
    await this.#thaw();
  }

  /** Makes it continue as new on what is released, with a fallback at the same time. */
  async moveOn(): Promise<void> {
    await this.#promote('promoted');
    const because = 'a release';
    await this.#fallBackInto(() => this.#handle.executeUpdate(moveOn, { args: [{ because }] }));
  }

  /** Its answer, once more from the same request: `id` was given to a run before. */
  async #again(id: string, ask: () => Promise<LiveChangeResult>, was: LiveChangeResult) {
    const { writes } = this.#live;
    const { kind, generation, live } = await this.#counted(ask);
    assert.deepEqual([kind, generation, live], [was.kind, was.generation, was.live], id);
    assert.equal(this.#live.writes, writes, `${id} has written twice`);
    this.repeated += 1;
  }

  async #promote(expected: 'promoted' | 'frozen'): Promise<LiveChangeResult> {
    this.#versions += 1;
    const ask = this.#promotion(this.#versions);
    const answer = await this.#counted(ask);
    assert.equal(answer.kind, expected);
    return answer;
  }

  /** The request of one version's promotion; sent again it is the same request. */
  #promotion(version: number): () => Promise<LiveChangeResult> {
    const digest = aDigest(`version ${version}`);
    const baseline = this.#live.state(this.model)?.live ?? null;
    const served = { digest, version, artifact: 'model.onnx', decisions: [] };
    const candidate = { ...served, evidence: aDigest('evidence') };
    const asker = `lifecycle/${this.model}/${version}`;
    const change = { kind: 'promote', candidate, baseline, asker } as const;
    return () => this.#pointer.ask(this.model, change, `run-${version}/promote/${'0'.repeat(12)}`);
  }

  /** True where the change that comes next is the run's last; a thaw of what is not frozen fills up what lacks one more. */
  async #isLast(): Promise<boolean> {
    if (this.#inRun < CHANGES_PER_RUN - 10) return false;
    this.#inRun = await this.#changesInRun();
    if (this.#inRun === CHANGES_PER_RUN - 2) await this.#thaw();
    return this.#inRun === CHANGES_PER_RUN - 1;
  }

  /** What ends the run, and a fallback that is sent before, while or after it does; sent again to the next run it is the same. */
  async #fallBackInto(end: () => Promise<unknown>): Promise<void> {
    const { runId } = await this.#handle.describe();
    const offsetMs = OFFSETS_MS[this.intoAnEnd % OFFSETS_MS.length] ?? 0;
    const id = `fallback/${this.intoAnEnd}`;
    const order = { leaving: this.#leaving(), by: BY, reason: WHY };
    const ask = () => this.#rig.switchyard.fallback(this.model, order, { requestId: id });
    this.intoAnEnd += 1;
    const [, answer] = await Promise.all([end(), pause(offsetMs).then(() => this.#sent(ask))]);
    await this.#nextRun(runId);
    await this.#again(id, ask, answer);
  }

  async #fallBack(): Promise<void> {
    const order = { leaving: this.#leaving(), by: BY, reason: WHY };
    await this.#sent(() => this.#rig.switchyard.fallback(this.model, order));
  }

  /** A fallback that must do what it says. */
  async #sent(ask: () => Promise<LiveChangeResult>): Promise<LiveChangeResult> {
    this.fallbacks.sent += 1;
    const answer = await this.#counted(ask);
    assert.equal(answer.kind, 'fallen-back');
    this.fallbacks.answered += 1;
    return answer;
  }

  #thaw(): Promise<LiveChangeResult> {
    return this.#counted(() => this.#rig.switchyard.thaw(this.model, { by: BY, reason: WHY }));
  }

  #leaving(): string {
    return this.#live.state(this.model)?.live ?? assert.fail('nothing is live');
  }

  async #counted(ask: () => Promise<LiveChangeResult>): Promise<LiveChangeResult> {
    this.#inRun += 1;
    this.changes += 1;
    return ask();
  }

  async #nextRun(runId: string): Promise<void> {
    await until('the next run begins', async () =>
      (await this.#handle.describe()).runId === runId ? undefined : true,
    );
    this.#inRun = await this.#changesInRun();
  }

  /** Changes that the newest run has accepted. */
  async #changesInRun(): Promise<number> {
    const { runId } = await this.#handle.describe();
    const { client } = this.#rig;
    const history = await client.workflow
      .getHandle(liveWorkflowId(this.model), runId)
      .fetchHistory();
    return (history.events ?? []).filter(
      ({ workflowExecutionUpdateAcceptedEventAttributes: accepted }) =>
        accepted?.acceptedRequest?.input?.name !== undefined &&
        accepted.acceptedRequest.input.name !== moveOn.name,
    ).length;
  }
}

/**
 * Lets a model's pointer live for some days of the clock, with promotions, freezes, moves and fallbacks, one of them into the end of
 * each run that its hundredth change ends; nothing may be lost or written twice. Every run's history is replayed.
 * @param given - `perDay`: promotions with a fallback each, two changes.
 */
export async function liveALivePointersYear(given: {
  readonly days: number;
  readonly perDay: number;
}): Promise<LiveYear> {
  await using server = await startTimeSkippingServer();
  const live = new MemoryLive();
  await using rig = await startRig('live-year', (place) => fakeActivities(place, { live }), {
    server,
  });
  const orders = new Orders(rig, live);
  await new TemporalLivePointer(rig).ask(rig.taskQueue, firstVersion(), 'the first version');
  for (let day = 1; day <= given.days; day += 1) {
    for (let each = 0; each < given.perDay; each += 1) await orders.promoteAndLeave();
    if (day % 10 === 0) await orders.freeze();
    if (day % 60 === 0) await orders.moveOn();
    await passDay(server);
  }
  await rig.client.workflow.getHandle(liveWorkflowId(rig.taskQueue)).terminate('the year is over');
  const { changes, fallbacks, intoAnEnd, repeated } = orders;
  return {
    ...(await historyFigures(server.histories(rig.taskQueue))),
    ...{ days: given.days, changes, fallbacks, intoAnEnd, repeated },
  };
}

/**
 * A day of the clock. The server counts what is under way and lets no time pass meanwhile, and it goes on counting an activity whose
 * run has ended before it, such as the opening of a follow-up: such a count is taken back.
 */
async function passDay({ environment }: TimeSkippingServer): Promise<void> {
  const over = new AbortController();
  const passing = environment.sleep(DAY_MS).finally(() => {
    over.abort();
  });
  const isStuck = () =>
    pause(STUCK_MS, true, { signal: over.signal }).catch(() => false /* the day has passed */);
  while (await isStuck()) await environment.connection.testService?.unlockTimeSkipping({});
  await passing;
}

/** What every fallback goes back to. */
function firstVersion() {
  const served = { digest: aDigest('version 0'), version: 1, artifact: 'model.onnx' };
  const candidate = { ...served, decisions: [], evidence: aDigest('evidence') };
  return { kind: 'promote', candidate, baseline: null } as const;
}
