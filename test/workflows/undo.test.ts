import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { z } from 'zod';
import { createDeployActivities } from '../../activities/deploy.js';
import type { Activities } from '../../activities/index.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { TemporalLivePointer } from '../../client/live-pointer.js';
import { Lifecycles } from '../../client/lifecycles.js';
import { NO_TRUST } from '../../domain/ports/trust.js';
import type { FollowUp } from '../../domain/follow-up.js';
import { liveChangeSchema } from '../../domain/live-state.js';
import type { Finding } from '../../domain/gate.js';
import { aDecision, aDigest, aTested } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { detailsOf, exampleOf } from './details-of.js';
import { approveBoth, refusedWith, rigFor, startedAndAsked } from './lifecycle-rig.js';

const PROMOTION = 'promotion of version 1';
const denied = () => ApplicationFailure.nonRetryable('access denied', 'StoreRefused');

/** Access to the staging area and to the pointer, as a test takes it away and gives it back. */
class Access {
  isDenied = true;
  sweeps = 0;

  readonly overrides = {
    sweepStaging: () => {
      this.sweeps += 1;
      return this.isDenied ? Promise.reject(denied()) : Promise.resolve(3);
    },
  };
}

async function waitsForUndo(rig: Rig, id: string): Promise<void> {
  await until('its undo waits for a person', async () =>
    (await rig.switchyard.status(id)).waitingFor.includes('undo') ? true : undefined,
  );
}

/** The row of a lifecycle that waits for a person after somebody refused it. */
async function refusedAndStuck(rig: Rig): Promise<string> {
  const id = await startedAndAsked(rig);
  await rig.switchyard.decide(id, aDecision({ decision: 'rejected', reason: 'slices look odd' }));
  await waitsForUndo(rig, id);
  return id;
}

const ends = (ledger: readonly { step: string; end: string }[]) =>
  ledger.map(({ step, end }) => `${step}: ${end}`);

/** What a run that failed carries in its failure. */
async function failureOf(rig: Rig, id: string): Promise<ApplicationFailure> {
  const error: unknown = await rig.client.workflow
    .getHandle(id)
    .result()
    .catch((thrown: unknown) => thrown);
  assert.ok(error instanceof WorkflowFailedError);
  assert.ok(error.cause instanceof ApplicationFailure);
  return error.cause;
}

describe('a ledger', () => {
  it('waits for a person where an undo fails, while the others run, and ends when it is tried again', async function () {
    const live = new MemoryLive();
    let isDenied = true;
    const overrides: Partial<Activities> = {
      awaitServing: () =>
        Promise.reject(ApplicationFailure.nonRetryable('none serves', 'ReplicasNotReady')),
      writeLive: ({ model, change, writeId }) =>
        isDenied && change.kind === 'undo-promotion'
          ? Promise.reject(denied())
          : Promise.resolve(live.change(model, liveChangeSchema.parse(change), writeId)),
    };
    await using rig = await startRig('waits for a person', (place) =>
      fakeActivities(place, { live, overrides: { ...overrides, ...realUndo(place) } }),
    );
    const id = await startedAndAsked(rig);
    await approveBoth(rig, id, aDigest('evidence'));
    await waitsForUndo(rig, id);
    const { ledger, stage } = await until('the other one is over', async () => {
      const status = await rig.switchyard.status(id);
      return status.ledger.length === 2 ? status : undefined;
    });
    assert.equal(stage, 'undo');
    assert.deepEqual(ledger, [
      { step: PROMOTION, end: 'failed', note: 'access denied' },
      { step: 'staging', end: 'restored', note: '3 staged objects deleted' },
    ]);
    const found = `WaitingFor = "undo" AND ModelName = "${rig.taskQueue}"`;
    await until('it is found by what it waits for', async () =>
      (await rig.client.workflow.count(found)).count === 1 ? true : undefined,
    );
    isDenied = false; // the request that failed is answered so for ever, so this is another one
    const tried = await rig.switchyard.retryUndo(id, { by: 'grace' });
    assert.deepEqual(ends(tried.ledger), [`${PROMOTION}: restored`, 'staging: restored']);
    const failure = await failureOf(rig, id);
    assert.deepEqual(
      [failure.type, failure.message, failure.details],
      ['ReplicasNotReady', 'none serves', [{ ledger: tried.ledger }]],
    );
    assert.equal(live.state(rig.taskQueue)?.live, null);
    const row = await new Lifecycles(rig).find(id);
    assert.deepEqual(row?.ledger, tried.ledger, 'kept where no worker is needed');
  });

  it('stays open where it fails again, and is closed by who accepts it with a reason', async function () {
    const access = new Access();
    await using rig = await rigFor(this, access);
    const id = await refusedAndStuck(rig);
    const again = await rig.switchyard.retryUndo(id, { by: 'grace', step: 'staging' });
    assert.deepEqual(ends(again.ledger), ['staging: failed']);
    assert.equal(again.ledger[0]?.retried?.by, 'grace');
    assert.equal(access.sweeps, 2);
    await rig.switchyard.acceptUndo(id, { step: 'staging', by: 'ada', reason: 'deleted by hand' });
    const outcome = await rig.switchyard.outcome(id);
    assert.equal(outcome.outcome, 'refused');
    const [row] = outcome.ledger;
    assert.deepEqual([row?.end, row?.note], ['failed', 'access denied']);
    assert.deepEqual([row?.accepted?.by, row?.accepted?.reason], ['ada', 'deleted by hand']);
  });

  it('refuses in a sentence what cannot be tried again or accepted', async function () {
    const access = new Access();
    await using rig = await rigFor(this, access);
    const asking = await startedAndAsked(rig);
    const retry = (id: string, step?: string) =>
      rig.switchyard.retryUndo(id, { by: 'grace', ...(step !== undefined && { step }) });
    const accept = (id: string, overrides: object) =>
      rig.switchyard.acceptUndo(id, {
        ...{ step: 'staging', by: 'ada', reason: 'deleted by hand' },
        ...overrides,
      });
    await assert.rejects(retry(asking), refusedWith(/^no undo waits for a person: nothing was/));
    await assert.rejects(accept(asking, {}), refusedWith(/^no undo waits for a person: nothing/));
    await rig.switchyard.cancel(asking);
    await waitsForUndo(rig, asking);
    await assert.rejects(retry(asking, 'stagin'), refusedWith(/did you mean "staging"\?$/));
    await assert.rejects(accept(asking, { step: 'snapshots' }), refusedWith(/failed: "staging"$/));
    await assert.rejects(accept(asking, { reason: ' ' }), refusedWith(/reason/));
    const raw = rig.client.workflow.getHandle(asking);
    await assert.rejects(
      raw.executeUpdate('acceptUndo', { args: [{ step: 'staging', by: 'ada', reason: ' ' }] }),
      (error: unknown) => error instanceof Error && /wrong order: reason/.test(String(error.cause)),
    );
    await accept(asking, {});
    await assert.rejects(rig.switchyard.outcome(asking));
  });

  it('waits also while it is cancelled, whatever is cancelled again', async function () {
    const access = new Access();
    await using rig = await rigFor(this, access);
    const id = await startedAndAsked(rig);
    await rig.switchyard.cancel(id);
    await waitsForUndo(rig, id);
    await rig.switchyard.cancel(id);
    await rig.client.workflow.getHandle(id).signal('lookAgain', { because: 'so that a task runs' });
    const { waitingFor, ledger } = await rig.switchyard.status(id);
    assert.deepEqual([waitingFor, ends(ledger)], [['undo'], ['staging: failed']]);
    access.isDenied = false;
    const tried = await rig.switchyard.retryUndo(id, { by: 'grace', reason: 'access is granted' });
    assert.deepEqual(ends(tried.ledger), ['staging: restored']);
    await assert.rejects(
      rig.client.workflow.getHandle(id).result(),
      (error) => error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure,
    );
    const row = await new Lifecycles(rig).find(id);
    assert.deepEqual([row?.end, row?.ledger], ['cancelled', tried.ledger]);
    assert.equal((await rig.switchyard.status(id)).ending, 'cancelled');
  });

  it('keeps a business end that is cancelled while its undo waits', async function () {
    const access = new Access();
    await using rig = await rigFor(this, access);
    const id = await refusedAndStuck(rig);
    await rig.switchyard.cancel(id);
    await rig.switchyard.acceptUndo(id, { step: 'staging', by: 'ada', reason: 'deleted by hand' });
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'refused');
  });

  it('shows in the details what to type and what to paste, which the updates take', async function () {
    const access = new Access();
    await using rig = await rigFor(this, access);
    const id = await refusedAndStuck(rig);
    const details = await detailsOf(rig, id);
    assert.match(details, /An undo failed and waits for a person/);
    assert.match(details, /\| staging\s+\| \*\*failed\*\*\s+\| access denied/);
    assert.match(details, new RegExp(`npx switchyard undo ${id} --retry`));
    assert.match(details, /undo .* --accept --step staging --reason 'why'/);
    const [retry, accept] = [...details.matchAll(/```json\n([^`]*)```/g)].map(([, json = '']) =>
      z.record(z.string(), z.string()).parse(JSON.parse(json)),
    );
    const handle = rig.client.workflow.getHandle(id);
    await handle.executeUpdate('retryUndo', { args: [{ ...retry, by: 'grace' }] });
    await handle.executeUpdate('retryUndo', { args: [await exampleOf(rig, id, 'retryUndo')] });
    assert.deepEqual(await exampleOf(rig, id, 'acceptUndo'), {
      ...{ step: 'staging', by: 'grace@example.com', reason: 'deleted by hand' },
    });
    await handle.executeUpdate('acceptUndo', {
      args: [{ ...accept, by: 'ada', reason: 'why not' }],
    });
    await rig.switchyard.outcome(id);
    assert.match(await detailsOf(rig, id), /\| failed, accepted by ada: why not/);
  });

  it('opens one follow-up for engineering that names what to type', async function () {
    const followUps: FollowUp[] = [];
    const access = new Access();
    await using rig = await rigFor(this, {
      overrides: {
        ...access.overrides,
        openFollowUp: ({ followUp }) => {
          followUps.push({ ...followUp, inputs: [] });
          return Promise.resolve({ workflowId: 'follow-up', opened: true });
        },
      },
    });
    const id = await refusedAndStuck(rig);
    await rig.switchyard.retryUndo(id, { by: 'grace' });
    const [followUp, ...others] = followUps;
    assert.equal(others.length, 0);
    assert.deepEqual(
      [followUp?.cause, followUp?.owner, followUp?.subject.workflowId, followUp?.subject.version],
      ['undo-failed', 'engineering', id, 1],
    );
    assert.match(followUp?.key ?? '', /^undo-[0-9a-f]{8}$/);
    assert.match(
      followUp?.text ?? '',
      /"staging" failed: access denied\n.*\nType: npx switchyard undo/,
    );
    access.isDenied = false;
    await rig.switchyard.retryUndo(id, { by: 'grace' });
    await rig.switchyard.outcome(id);
  });

  it('undoes a step that failed after it took effect', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, {
      live,
      overrides: {
        promoteVersion: ({ model, candidate, evidence, baseline, requestId }) => {
          const { version, digest, artifact } = candidate;
          const served = { version, digest, artifact, evidence, decisions: [] };
          live.change(model, { kind: 'promote', candidate: served, baseline }, requestId);
          return Promise.reject(ApplicationFailure.nonRetryable('it broke', 'InvalidRequest'));
        },
      },
    });
    const id = await startedAndAsked(rig);
    await approveBoth(rig, id, aDigest('evidence'));
    await assert.rejects(rig.switchyard.outcome(id), refusedWith(/it broke/));
    assert.deepEqual(ends((await rig.switchyard.status(id)).ledger), [
      `${PROMOTION}: restored`,
      'staging: restored',
    ]);
    assert.equal(live.state(rig.taskQueue)?.live, null);
  });

  it('begins when what runs beside the step that failed has ended', async function () {
    const events: string[] = [];
    // one at a time on this queue, in whichever order: the first one fails, and only then the other begins
    const measure = async (stage: 'test-system' | 'test-quality') => {
      events.push(stage);
      if (events.length === 1) {
        throw ApplicationFailure.nonRetryable('no rows', 'InvalidDataset');
      }
      await pause(200);
      events.push('measured');
      return { run: 'run', stage, attempt: 1, files: [] };
    };
    await using rig = await rigFor(this, {
      overrides: {
        measureSystem: () => measure('test-system'),
        measureQuality: async () => ({ staged: await measure('test-quality'), baseline: null }),
        sweepStaging: async () => {
          events.push('swept');
          await pause(500);
          return 3;
        },
      },
    });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    await assert.rejects(rig.switchyard.outcome(workflowId), refusedWith(/no rows/));
    assert.equal(events.at(-1), 'swept', events.join());
  });
});

describe('a rejection by gates', () => {
  it('opens one follow-up for each owner of its findings, with their inputs', async function () {
    const finding = (metric: string, owner: Finding['owner'], id: string): Finding => ({
      gate: { metric, min: 0.5, minSample: 1 },
      ...{ owner, reason: `${metric} is less` },
      inputs: [{ id, excerpt: 'refund please', detail: 'billing, not refund' }],
    });
    const opened: FollowUp[] = [];
    const findings = [
      finding('accuracy', 'data-science', 'mail-1'),
      finding('rows-per-second', 'engineering', 'mail-2'),
      finding('macro-f1', 'data-science', 'mail-3'),
    ];
    await using rig = await rigFor(this, {
      overrides: {
        assembleEvidence: () => Promise.resolve(aTested({ verdict: 'failed', findings })),
        openFollowUp: ({ followUp }) => {
          opened.push({ ...followUp, inputs: [...followUp.inputs] });
          return Promise.resolve({ workflowId: 'follow-up', opened: true });
        },
      },
    });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    assert.equal((await rig.switchyard.outcome(workflowId)).outcome, 'rejected');
    assert.deepEqual(
      opened.map(({ key, cause, inputs }) => [key, cause, inputs.map(({ id }) => id)]),
      [
        ['v1-data-science', 'gates-failed', ['mail-1', 'mail-3']],
        ['v1-engineering', 'gates-failed', ['mail-2']],
      ],
    );
    assert.match(opened[0]?.title ?? '', /^version 1 of .* was rejected: accuracy, macro-f1$/);
    assert.match(
      opened[0]?.text ?? '',
      /accuracy is less\nmacro-f1 is less\nLook: npx switchyard show/,
    );
  });
});

/** The undo of a promotion with its door, so that its failures are what they are in a worker. */
function realUndo(place: { client: Client; taskQueue: string }): Pick<Activities, 'undoPromotion'> {
  const { undoPromotion } = createDeployActivities({
    registry: new ObjectRegistry(new MemoryObjectStore()),
    targets: {},
    trust: NO_TRUST,
    livePointer: new TemporalLivePointer(place),
    notifier: { notify: () => Promise.resolve() },
  });
  return { undoPromotion };
}
