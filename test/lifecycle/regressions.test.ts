import assert from 'node:assert/strict';
import { pino } from 'pino';
import { auditBucket } from '../../adapters/registry/audit/audit-bucket.js';
import { takeInventory } from '../../adapters/registry/inventory.js';
import { keepInputs } from '../../adapters/registry/keep-inputs.js';
import { RegressionFiles } from '../../adapters/registry/regression-files.js';
import { followUpKey } from '../../domain/follow-up.js';
import type { DatasetSource } from '../../domain/ports/dataset-source.js';
import { parseProject, type ProjectInput } from '../../domain/project.js';
import { startRig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { wireActivities } from '../../workers/wire.js';
import { followUpWorkflowId } from '../../workflows/follow-up-messages.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { HALF_WAY, instantMails } from '../support/instant-mails.js';
import { InstantTrainer } from '../support/instant-trainer.js';
import { ownBucket } from '../support/own-bucket.js';

const MODEL = 'once-wrong';
const LAST_DAY = '2026-01-20T00:00:00Z';
const CLOSING = { role: 'data-science', by: 'ada@example.com', reason: 'new labels for them' };

/** The last mail has another label than the model gives it. */
const mails: DatasetSource = {
  rows: async (cut) =>
    (await instantMails.rows(cut)).map((row) =>
      row.id === 'mail-59' ? { ...row, label: 'billing' } : row,
    ),
};

const PROJECT: ProjectInput = {
  models: [
    {
      model: MODEL,
      train: { trainer: 'instant', source: 'mails', trainRows: { until: HALF_WAY } },
      convert: { parityRows: 5 },
      test: { gates: [{ metric: 'accuracy', min: 1 }], resamples: 100 },
      approve: { handOffs: [{ role: 'data-science' }] },
    },
  ],
  trainers: { instant: new InstantTrainer() },
  sources: { mails },
};

describe('the inputs of a follow-up', () => {
  it('become rows that every later candidate must answer right, until they are dropped', async () => {
    await using folder = await temporaryFolder();
    const { store } = await ownBucket();
    const project = { ...parseProject(PROJECT, 'the project'), root: folder.path };
    await using rig = await startRig('regressions', ({ client, taskQueue }) =>
      wireActivities({
        ...{ project, store, client, taskQueue, workDir: folder.path },
        log: pino({ level: 'silent' }),
      }),
    );
    const { switchyard } = rig;
    const start = async (seed: number, until?: string) => {
      const heldOutRows = { from: HALF_WAY, ...(until !== undefined && { until }) };
      return (await switchyard.start({ model: MODEL, seed, heldOutRows })).workflowId;
    };
    const rejected = async (workflowId: string) => {
      const outcome = await switchyard.outcome(workflowId);
      assert.ok(outcome.outcome === 'rejected', JSON.stringify(outcome));
      return outcome.findings.map(({ gate, reason }) => [gate.metric, reason]);
    };

    const [[metric] = []] = await rejected(await start(1));
    assert.equal(metric, 'accuracy');
    const workflowId = followUpWorkflowId(MODEL, followUpKey.gates(1, 'data-science'));
    const { followUp } = await switchyard.followUp(workflowId);
    await switchyard.closeFollowUp(workflowId, CLOSING);
    assert.equal(await keepInputs(store, followUp, CLOSING), 1);

    // all held-out rows are right; the one that was wrong is not among them
    assert.deepEqual(await rejected(await start(2, LAST_DAY)), [
      ['regressions', 'regressions is 1 rows, at most 0 rows is asked'],
    ]);
    const { models } = await takeInventory(store);
    const [kept] = await new RegressionFiles(store).all(MODEL);
    assert.deepEqual(models[0]?.regressions, [kept?.snapshot.digest], 'a sweep keeps them');
    assert.deepEqual((await auditBucket(store, { model: MODEL })).problems, []);

    assert.ok(await new RegressionFiles(store).drop(MODEL, followUp.key));
    const third = await start(3, LAST_DAY);
    await until('it is asked', async () => {
      const { waitingFor } = await switchyard.status(third);
      return waitingFor.includes('data-science') || undefined;
    });
    await switchyard.cancel(third);
    await assert.rejects(switchyard.outcome(third));
  }).timeout(120_000);
});
