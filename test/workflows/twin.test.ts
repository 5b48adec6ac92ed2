import assert from 'node:assert/strict';
import { artifactOf } from '../../domain/lifecycle.js';
import { aCandidate, aDecision, aTested } from '../../testing/builders.js';
import { MemoryLive } from '../../testing/fake-activities.js';
import { detailsOf } from './details-of.js';
import { approveBoth, asked, rigFor, startedAndAsked } from './lifecycle-rig.js';

const TWIN = 'model.int8.onnx';
const GATE = { metric: 'accuracy', min: 0.5, minSample: 1 };
const SAID = {
  ...{ artifact: TWIN, twin: 'the twin is taken: it is smaller' },
  table: [{ gate: GATE, verdict: 'passed' as const, reason: 'accuracy is 0.8', value: 0.8 }],
};

describe('a twin that was taken', () => {
  it('is what goes live, and what people are told of', async function () {
    const live = new MemoryLive();
    const assembleEvidence = () => Promise.resolve(aTested(SAID));
    await using rig = await rigFor(this, { live, overrides: { assembleEvidence } });
    const id = await startedAndAsked(rig);
    assert.match(await detailsOf(rig, id), /the twin is taken: it is smaller/);
    const { evidence } = await rig.switchyard.status(id);
    await approveBoth(rig, id, evidence ?? '');
    assert.equal((await rig.switchyard.outcome(id)).outcome, 'live');
    assert.equal(live.state(rig.taskQueue)?.served[0]?.artifact, TWIN);
  });

  it('is what decisions are signed about', async function () {
    const signing = { environment: 'production', nonce: 'n'.repeat(32), keys: [] };
    const assembleEvidence = () => Promise.resolve(aTested({ ...SAID, signing }));
    await using rig = await rigFor(this, { overrides: { assembleEvidence } });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    await asked(rig, workflowId, 'data-science');
    assert.equal((await rig.switchyard.status(workflowId)).toSign?.artifact, TWIN);
    await assert.rejects(rig.switchyard.decide(workflowId, aDecision()), /signed here/);
    await rig.switchyard.cancel(workflowId);
    await assert.rejects(rig.switchyard.outcome(workflowId));
  });

  it('is the candidate’s own file where none was', () => {
    assert.equal(artifactOf(aCandidate(), aTested()), 'model.onnx');
  });
});
