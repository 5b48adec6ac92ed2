import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import { isPortError } from '../../domain/failures.js';
import { decisionSchema } from '../../domain/decision.js';
import { liveChangeSchema } from '../../domain/live-state.js';
import { aDecision, aDigest, aSpec, aTested } from '../../testing/builders.js';
import { MemoryLive } from '../../testing/fake-activities.js';
import type { Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { detailsOf } from './details-of.js';
import { policyOfRoles } from '../../domain/signing/policy.js';
import {
  approveBoth,
  asked,
  failedOn,
  promoteAnother,
  refusedWith,
  rigFor,
  startedAndAsked,
} from './lifecycle-rig.js';

const A_RUN = '0195d1a0-0000-7000-8000-000000000001';

describe('modelLifecycle', () => {
  it('goes live after both roles have approved, by update and by signal', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, { live });
    const id = await startedAndAsked(rig);
    const { waitingFor } = await rig.switchyard.decide(id, aDecision());
    assert.deepEqual(waitingFor, ['engineering']);
    await rig.switchyard.signalDecision(id, aDecision({ role: 'engineering', by: 'grace' }));
    const outcome = await rig.switchyard.outcome(id);
    assert.equal(outcome.outcome, 'live');
    assert.deepEqual(
      outcome.decisions.map(({ role, by }) => `${role} ${by}`),
      ['data-science ada', 'engineering grace'],
    );
    assert.equal(live.state(rig.taskQueue)?.live, aDigest('version 1'));
  });

  it('writes its start down before all else, decisions before anything comes of them, and its end', async function () {
    const done: string[] = [];
    await using rig = await rigFor(this, {
      overrides: {
        writeJournal: ({ after, entries }) => {
          done.push(...entries.map(({ kind }) => kind));
          const line = (after?.line ?? 0) + entries.length;
          return Promise.resolve({ run: A_RUN, line, digest: aDigest(line) });
        },
        awaitServing: () => {
          done.push('served');
          return Promise.resolve({ kind: 'serves', note: 'endpoint-1 serves it' });
        },
      },
    });
    const cancelled = await startedAndAsked(rig);
    await rig.switchyard.cancel(cancelled);
    await assert.rejects(rig.switchyard.outcome(cancelled));
    assert.deepEqual(done.splice(0), ['started', 'undone', 'ended']);
    const id = await startedAndAsked(rig);
    await approveBoth(rig, id, (await rig.switchyard.status(id)).evidence ?? '');
    await rig.switchyard.outcome(id);
    assert.deepEqual(done, ['started', 'decided', 'decided', 'served', 'ended']);
  });

  it('says so where its journal cannot be whole, and ends as it did', async function () {
    await using rig = await rigFor(this, {
      overrides: {
        writeJournal: ({ after, entries }) => {
          if (entries.at(-1)?.kind === 'ended') {
            throw ApplicationFailure.nonRetryable('another line is there', 'StoreRefused');
          }
          const line = (after?.line ?? 0) + entries.length;
          return Promise.resolve({ run: A_RUN, line, digest: aDigest(line) });
        },
      },
    });
    const id = await startedAndAsked(rig);
    await rig.switchyard.decide(id, aDecision({ decision: 'rejected', reason: 'slices look odd' }));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'refused');
    const { ending } = await rig.switchyard.status(id);
    assert.match(ending ?? '', /slices look odd; its journal is not whole: another line is there/);
  });

  it('keeps an early decision until its role is asked', async function () {
    await using rig = await rigFor(this);
    const id = await startedAndAsked(rig);
    await rig.switchyard.decide(id, aDecision({ role: 'engineering', by: 'grace' }));
    assert.deepEqual((await rig.switchyard.status(id)).waitingFor, ['data-science']);
    await rig.switchyard.decide(id, aDecision());
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
  });

  it('asks all roles at once in parallel', async function () {
    const handOffs = [{ role: 'data-science' }, { role: 'engineering' }];
    await using rig = await rigFor(this, {
      spec: aSpec({ approve: { order: 'in-parallel', handOffs } }),
    });
    const id = await startedAndAsked(rig, 'engineering');
    const { waitingFor } = await rig.switchyard.status(id);
    assert.deepEqual(waitingFor, ['data-science', 'engineering']);
    await rig.switchyard.cancel(id);
    await assert.rejects(rig.switchyard.outcome(id));
  });

  it('refuses a decision on other evidence, by a role that is not asked, and a second one', async function () {
    await using rig = await rigFor(this);
    const id = await startedAndAsked(rig);
    const decide = (overrides: object) => rig.switchyard.decide(id, aDecision(overrides));
    await assert.rejects(
      decide({ evidence: aDigest('older') }),
      refusedWith(/is on the table; read it/),
    );
    await assert.rejects(decide({ role: 'marketing' }), refusedWith(/"marketing" is not asked/));
    await decide({});
    await assert.rejects(decide({ decision: 'rejected' }), refusedWith(/has already approved/));
    assert.deepEqual(
      await decide({}),
      { waitingFor: ['engineering'] },
      'the very same answer again',
    );
    await rig.switchyard.decide(id, aDecision({ role: 'engineering' }));
    await rig.switchyard.outcome(id);
    await assert.rejects(decide({}), refusedWith(/is not open: it has ended/));
  });

  it('shows a signal that cannot be taken as a refusal', async function () {
    await using rig = await rigFor(this);
    const id = await startedAndAsked(rig);
    await rig.switchyard.signalDecision(id, aDecision({ evidence: aDigest('older') }));
    const refusals = await until('the refusal shows', async () => {
      const status = await rig.switchyard.status(id);
      return status.refusals.length > 0 ? status.refusals : undefined;
    });
    assert.match(refusals[0] ?? '', /is on the table/);
    await rig.switchyard.decide(id, aDecision({ decision: 'rejected', reason: 'slices look odd' }));
    const outcome = await rig.switchyard.outcome(id);
    assert.equal(outcome.outcome, 'refused');
  });

  it('ends refused with the reason of who refused, and undoes its staging', async function () {
    await using rig = await rigFor(this);
    const id = await startedAndAsked(rig);
    await rig.switchyard.decide(id, aDecision({ decision: 'rejected', reason: 'slices look odd' }));
    const outcome = await rig.switchyard.outcome(id);
    assert.ok(outcome.outcome === 'refused');
    assert.equal(outcome.reason, 'ada (data-science): slices look odd');
    assert.deepEqual(outcome.ledger, [
      { step: 'staging', end: 'restored', note: '3 staged objects deleted' },
    ]);
  });

  it('reminds a role and ends expired when it does not answer in time', async function () {
    const told: string[] = [];
    const handOffs = [{ role: 'engineering', deadline: '3 seconds', reminder: '500 ms' }];
    await using rig = await rigFor(this, {
      spec: aSpec({ approve: { handOffs } }),
      overrides: {
        assembleEvidence: () => Promise.resolve(aTested({ roles: ['engineering'] })),
        notify: ({ kind }) => Promise.resolve(void told.push(kind)),
      },
    });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    const outcome = await rig.switchyard.outcome(workflowId);
    assert.equal(outcome.outcome, 'expired');
    assert.equal(told[0], 'hand-off');
    assert.ok(told.filter((kind) => kind === 'reminder').length >= 1, told.join());
  });

  it('asks another role besides when one has been silent for too long, and not before', async function () {
    const told: string[] = [];
    const escalation = { after: '1 second', to: 'platform-lead' };
    const handOffs = [{ role: 'engineering', deadline: '1 minute', escalation }];
    const handOff = { role: 'engineering', quorum: 1, distinctFrom: [] };
    const policy = { handOffs: [{ ...handOff, escalation: escalation.to }], starter: null };
    await using rig = await rigFor(this, {
      spec: aSpec({ approve: { handOffs } }),
      overrides: {
        assembleEvidence: () => Promise.resolve(aTested({ roles: ['engineering'], policy })),
        notify: ({ kind, roles }) => Promise.resolve(void told.push(`${kind} ${roles.join()}`)),
      },
    });
    const id = await startedAndAsked(rig, 'engineering');
    const byLead = aDecision({ role: 'platform-lead', by: 'lena' });
    await assert.rejects(
      rig.switchyard.decide(id, byLead),
      refusedWith(/"platform-lead" is asked once "engineering" has not answered in time/),
    );
    await asked(rig, id, 'platform-lead');
    assert.deepEqual((await rig.switchyard.status(id)).waitingFor, [
      'engineering',
      'platform-lead',
    ]);
    await rig.switchyard.decide(id, byLead);
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.deepEqual(told, ['hand-off engineering', 'hand-off platform-lead']);
  });

  it('goes live by broken glass, and tells those who were not waited for', async function () {
    const told: string[] = [];
    const written: string[] = [];
    const { handOffs } = policyOfRoles(['data-science', 'engineering']);
    const policy = { handOffs, starter: null, breakGlass: { role: 'on-call', quorum: 2 } };
    await using rig = await rigFor(this, {
      overrides: {
        assembleEvidence: () => Promise.resolve(aTested({ policy })),
        notify: ({ kind, roles, text }) =>
          Promise.resolve(void told.push(`${kind} ${roles.join()}: ${text}`)),
        writeJournal: ({ after, entries }) => {
          written.push(...entries.map((entry) => JSON.stringify(entry)));
          const line = (after?.line ?? 0) + entries.length;
          return Promise.resolve({ run: A_RUN, line, digest: aDigest(line) });
        },
      },
    });
    const id = await startedAndAsked(rig);
    const breaking = { role: 'on-call', reason: 'mails are lost' };
    const decide = (fields: object) =>
      rig.switchyard.decide(id, aDecision({ ...breaking, ...fields }));
    await assert.rejects(decide({ decision: 'rejected' }), refusedWith(/may break the glass/));
    await decide({ by: 'ada' });
    await assert.rejects(decide({ by: 'ada', reason: 'again' }), refusedWith(/already approved/));
    assert.deepEqual((await rig.switchyard.status(id)).waitingFor, ['data-science']);
    await decide({ by: 'grace' });
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.match(
      told.join('\n'),
      /break-glass data-science,engineering: version 1 .* is approved by broken glass.* ada: mails are lost; grace: mails are lost/,
    );
    assert.ok(written.some((each) => /"glass-broken","by":\["ada","grace"\]/.test(each)));
  });

  it('goes on when a notice cannot be delivered', async function () {
    const undeliverable = ApplicationFailure.nonRetryable('no such host', 'NotificationFailed');
    await using rig = await rigFor(this, {
      overrides: { notify: () => Promise.reject(undeliverable) },
    });
    const id = await startedAndAsked(rig);
    await rig.switchyard.decide(id, aDecision());
    await rig.switchyard.decide(id, aDecision({ role: 'engineering' }));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
  });

  it('ends rejected with the findings of its gates, and asks nobody', async function () {
    const finding = {
      gate: { metric: 'accuracy', min: 0.5, minSample: 1 },
      owner: 'data-science',
      reason: 'accuracy is 0.3',
      inputs: [],
    } as const;
    await using rig = await rigFor(this, {
      overrides: {
        assembleEvidence: () =>
          Promise.resolve(aTested({ verdict: 'failed', findings: [{ ...finding, inputs: [] }] })),
      },
    });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    const outcome = await rig.switchyard.outcome(workflowId);
    assert.ok(outcome.outcome === 'rejected');
    assert.deepEqual(outcome.findings, [finding]);
    assert.deepEqual(outcome.decisions, []);
  });

  it('ends rejected at convert, with no version, where parity is missed', async function () {
    const finding = {
      gate: { metric: 'parity-difference', max: 1e-5, minSample: 1 },
      owner: 'engineering',
      reason: '3 of 230 labels differ',
      inputs: [],
    } as const;
    await using rig = await rigFor(this, {
      overrides: {
        convertToOnnx: () =>
          Promise.resolve({ kind: 'parity-missed', finding: { ...finding, inputs: [] } }),
        publishVersion: () => Promise.reject(new Error('no version may be made of it')),
      },
    });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    const outcome = await rig.switchyard.outcome(workflowId);
    assert.ok(outcome.outcome === 'rejected');
    assert.deepEqual(
      { stage: outcome.stage, version: outcome.version, findings: outcome.findings },
      { stage: 'convert', version: null, findings: [finding] },
    );
  });

  it('takes more rows and asks again when a role needs more data', async function () {
    await using rig = await rigFor(this, {
      spec: aSpec({
        gather: { every: '50 ms', deadline: '1 minute' },
        approve: { handOffs: [{ role: 'data-science' }, { role: 'engineering' }] },
      }),
      overrides: {
        assembleEvidence: ({ round }) =>
          Promise.resolve(aTested({ evidence: aDigest(`evidence ${round}`) })),
      },
    });
    const id = await startedAndAsked(rig);
    await rig.switchyard.decide(
      id,
      aDecision({ decision: 'needs-more-data', evidence: aDigest('evidence 100') }),
    );
    await until('new evidence is on the table', async () => {
      const { evidence } = await rig.switchyard.status(id);
      return evidence === aDigest('evidence 200') ? true : undefined;
    });
    await approveBoth(rig, id, aDigest('evidence 200'));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
  });

  it('gathers newer rows while a gate is inconclusive, then judges again', async function () {
    const rounds: number[] = [];
    await using rig = await rigFor(this, {
      spec: aSpec({ gather: { every: '50 ms', deadline: '1 minute' }, approve: { handOffs: [] } }),
      overrides: {
        assembleEvidence: ({ round, heldOut }) => {
          rounds.push(round);
          const verdict = heldOut.digest === aDigest('held-out') ? 'inconclusive' : 'passed';
          return Promise.resolve(aTested({ verdict, roles: [] }));
        },
      },
    });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    assert.equal((await rig.switchyard.outcome(workflowId)).outcome, 'live');
    assert.deepEqual(rounds, [100, 101]);
  });

  it('asks the owner when a gate could not be measured', async function () {
    await using rig = await rigFor(this, {
      overrides: {
        assembleEvidence: () =>
          Promise.resolve(aTested({ verdict: 'error', roles: ['engineering', 'data-science'] })),
      },
    });
    const id = await startedAndAsked(rig, 'engineering');
    await rig.switchyard.decide(id, aDecision({ role: 'engineering', decision: 'rejected' }));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'refused');
  });

  it('tests again against the new live version when live moved, and asks again', async function () {
    const live = new MemoryLive();
    const baselines: (string | null)[] = [];
    await using rig = await rigFor(this, {
      live,
      overrides: {
        assembleEvidence: ({ baseline, round }) => {
          baselines.push(baseline);
          return Promise.resolve(aTested({ baseline, evidence: aDigest(`evidence ${round}`) }));
        },
      },
    });
    const id = await startedAndAsked(rig);
    promoteAnother(live, rig.taskQueue);
    await approveBoth(rig, id, aDigest('evidence 100'));
    await until('the second evidence is on the table', async () => {
      const { evidence } = await rig.switchyard.status(id);
      return evidence === aDigest('evidence 200') ? true : undefined;
    });
    await approveBoth(rig, id, aDigest('evidence 200'));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.deepEqual(baselines, [null, aDigest('another')]);
  });

  it('ends superseded where it is no match for the version that went live meanwhile', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, {
      live,
      overrides: {
        assembleEvidence: ({ baseline }) =>
          Promise.resolve(
            baseline === null
              ? aTested()
              : aTested({ baseline, ...failedOn('accuracy-difference') }),
          ),
      },
    });
    const id = await startedAndAsked(rig);
    promoteAnother(live, rig.taskQueue);
    await approveBoth(rig, id, aDigest('evidence'));
    const outcome = await rig.switchyard.outcome(id);
    assert.equal(outcome.outcome, 'superseded');
    assert.equal(live.state(rig.taskQueue)?.live, aDigest('another'));
  });

  it('puts back what was live when the replicas do not come up', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, {
      live,
      overrides: {
        awaitServing: () =>
          Promise.reject(
            ApplicationFailure.nonRetryable('endpoint-1 serves nothing', 'ReplicasNotReady'),
          ),
      },
    });
    promoteAnother(live, rig.taskQueue);
    const id = await startedAndAsked(rig);
    await approveBoth(rig, id, aDigest('evidence'));
    await assert.rejects(
      rig.switchyard.outcome(id),
      (error) => isPortError(error) && error.type === 'ReplicasNotReady',
    );
    assert.equal(live.state(rig.taskQueue)?.live, aDigest('another'));
    assert.deepEqual(
      (await rig.switchyard.status(id)).ledger.map(({ step, end }) => `${step}: ${end}`),
      ['promotion of version 1: restored', 'staging: restored'],
    );
  });

  it('undoes its steps when it is cancelled', async function () {
    await using rig = await rigFor(this);
    const id = await startedAndAsked(rig);
    await rig.switchyard.cancel(id);
    await assert.rejects(rig.switchyard.outcome(id));
    const { ledger, stage } = await rig.switchyard.status(id);
    assert.equal(stage, 'undo');
    assert.deepEqual(
      ledger.map(({ step, end }) => `${step}: ${end}`),
      ['staging: restored'],
    );
  });

  it('waits for the thaw of a frozen model, then goes live at once', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, { live });
    const id = await frozenAndApproved(rig);
    const { stage, waitingFor, frozen } = await rig.switchyard.status(id);
    assert.deepEqual(
      { stage, waitingFor, by: frozen?.by },
      { stage: 'deploy', waitingFor: ['thaw'], by: 'grace' },
    );
    assert.match(await detailsOf(rig, id), /waits for a thaw.*grace froze it.*: wrong queues/);
    assert.equal(live.state(rig.taskQueue)?.live, null);
    const waiting = `WaitingFor = "thaw" AND ModelName = "${rig.taskQueue}" AND Stage = "deploy"`;
    await until('it is found by what it waits for', async () =>
      (await rig.client.workflow.count(waiting)).count === 1 ? true : undefined,
    );
    await rig.switchyard.thaw(rig.taskQueue, { by: 'grace', reason: 'mended' });
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.equal(live.state(rig.taskQueue)?.live, aDigest('version 1'));
  });

  it('tries again when it is told to look, and waits on while it is frozen', async function () {
    let tries = 0;
    const live = new MemoryLive();
    await using rig = await rigFor(this, {
      live,
      overrides: {
        writeLive: ({ model, change, writeId }) => {
          if (change.kind === 'promote') tries += 1;
          return Promise.resolve(live.change(model, liveChangeSchema.parse(change), writeId));
        },
      },
    });
    const id = await frozenAndApproved(rig);
    await rig.client.workflow.getHandle(id).signal('lookAgain', { because: 'somebody said so' });
    await until('it asks again', () => Promise.resolve(tries === 2 ? true : undefined));
    assert.deepEqual((await rig.switchyard.status(id)).waitingFor, ['thaw']);
    await rig.switchyard.cancel(id);
    await assert.rejects(rig.switchyard.outcome(id));
  });

  it('undoes its steps when it is cancelled while frozen', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, { live });
    const id = await frozenAndApproved(rig);
    await rig.switchyard.cancel(id);
    await assert.rejects(rig.switchyard.outcome(id));
    const { ledger, waitingFor } = await rig.switchyard.status(id);
    assert.deepEqual(
      ledger.map(({ step, end }) => `${step}: ${end}`),
      ['promotion of version 1: already-clean', 'staging: restored'],
    );
    assert.deepEqual(waitingFor, []);
    assert.equal(live.state(rig.taskQueue)?.frozen?.by, 'grace');
  });

  it('is tested again after a thaw where a fallback went back meanwhile', async function () {
    const live = new MemoryLive();
    const baselines: (string | null)[] = [];
    await using rig = await rigFor(this, {
      live,
      overrides: {
        assembleEvidence: ({ baseline, round }) => {
          baselines.push(baseline);
          return Promise.resolve(aTested({ baseline, evidence: aDigest(`evidence ${round}`) }));
        },
      },
    });
    promoteAnother(live, rig.taskQueue);
    promoteAnother(live, rig.taskQueue, 'newer');
    const id = await frozenAndApproved(rig, aDigest('evidence 100'));
    const order = { leaving: aDigest('newer'), by: 'grace', reason: 'wrong queues' };
    assert.equal((await rig.switchyard.fallback(rig.taskQueue, order)).kind, 'fallen-back');
    await rig.switchyard.thaw(rig.taskQueue, { by: 'grace', reason: 'mended' });
    await until('the second evidence is on the table', async () => {
      const { evidence } = await rig.switchyard.status(id);
      return evidence === aDigest('evidence 200') ? true : undefined;
    });
    await approveBoth(rig, id, aDigest('evidence 200'));
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.deepEqual(baselines, [aDigest('newer'), aDigest('another')]);
  });

  it('shows in its details who is waited for, until when, and what to type', async function () {
    await using rig = await rigFor(this);
    const id = await startedAndAsked(rig);
    const details = await detailsOf(rig, id);
    assert.match(details, new RegExp(`^## ${rig.taskQueue}, version 1: approve`));
    assert.match(details, /\*\*Waiting for data-science\*\* until \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    assert.match(details, new RegExp(`npx switchyard approve ${id} --role data-science`));
    const json = /```json\n([^`]*)```/.exec(details)?.[1] ?? '';
    const decision = decisionSchema.parse(JSON.parse(json));
    await rig.switchyard.decide(id, { ...decision, by: 'ada', reason: '<script>fine</script>' });
    assert.match(
      await detailsOf(rig, id),
      /\| data-science\s+\| \*\*approved\*\*\s+\| ada\s+\| \\<script/,
    );
    await rig.switchyard.decide(id, aDecision({ role: 'engineering' }));
    await rig.switchyard.outcome(id);
    assert.match(await detailsOf(rig, id), /^## .*, version 1: live/);
  });

  it('is found by model, stage, verdict and each role that is asked', async function () {
    const handOffs = [{ role: 'data-science' }, { role: 'engineering' }];
    await using rig = await rigFor(this, {
      spec: aSpec({ approve: { order: 'in-parallel', handOffs } }),
    });
    const id = await startedAndAsked(rig, 'engineering');
    const found = async (query: string) => {
      const mine = `ModelName = "${rig.taskQueue}" AND WorkflowType = "modelLifecycle" AND ${query}`;
      return (await rig.client.workflow.count(mine)).count === 1 ? true : undefined;
    };
    await until('by one role', () => found('WaitingFor = "engineering"'));
    await until('by the other', () => found('WaitingFor = "data-science"'));
    await until('by stage', () => found('Stage = "approve" AND Verdict = "passed"'));
    await approveBoth(rig, id, aDigest('evidence'));
    await rig.switchyard.outcome(id);
    await until('by its end', () => found('Stage = "ended" AND WaitingFor IS NULL'));
  });

  it('fails with a sentence on a start with a wrong key, as from the web UI', async function () {
    await using rig = await rigFor(this);
    const workflowId = `${rig.taskQueue}-wrong`;
    await rig.client.workflow.start('modelLifecycle', {
      workflowId,
      taskQueue: rig.taskQueue,
      args: [{ modle: 'tickets' }],
    });
    await assert.rejects(
      rig.switchyard.outcome(workflowId),
      refusedWith(/has no key "modle", did you mean "model"/),
    );
  });
});

/** A lifecycle whose model was frozen before its roles approved. */
async function frozenAndApproved(rig: Rig, evidence = aDigest('evidence')): Promise<string> {
  const id = await startedAndAsked(rig);
  await rig.switchyard.freeze(rig.taskQueue, { by: 'grace', reason: 'wrong queues' });
  await approveBoth(rig, id, evidence);
  await until('it waits for the thaw', async () => {
    const { waitingFor } = await rig.switchyard.status(id);
    return waitingFor.includes('thaw') ? true : undefined;
  });
  return id;
}
