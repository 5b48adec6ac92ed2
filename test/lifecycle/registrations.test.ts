import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { csvSource } from '../../adapters/sources/csv-source.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { judge, type Measurement } from '../../domain/gate.js';
import { parseProject, type ProjectInput } from '../../domain/project.js';
import type { Target } from '../../domain/ports/target.js';
import { followLive } from '../../serving/follow-live.js';
import { wireActivities } from '../../workers/wire.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { startRig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { testServers } from '../../testing/servers.js';
import { LABELS, WORDS } from '../support/small-models.js';
import { ZERO_WORK } from '../support/zero-work-trainer.js';
import { approveBoth, storeOf } from './processes.js';

const MODEL = 'own-everything';

/** Two columns; every label has rows on both sides of the cut. */
const CSV = [
  'text,label',
  ...Array.from(
    { length: 90 },
    (_, index) => `my ${WORDS[index % 3] ?? ''} ${index},${LABELS[index % 3] ?? ''}`,
  ),
].join('\n');

const MODEL_SPEC: ProjectInput['models'][number] = {
  model: MODEL,
  train: { trainer: 'nobody', source: 'mails' },
  convert: { parityRows: 5 },
  test: {
    gates: [
      { metric: 'accuracy', min: 0.9 },
      { metric: 'undecided', max: 0 },
      { metric: 'broken', max: 1 },
    ],
    resamples: 100,
  },
  approve: { handOffs: [{ role: 'data-science' }, { role: 'engineering' }] },
  deploy: { target: 'file', deadline: '1 minute' },
};

const METRICS: ProjectInput['metrics'] = {
  undecided: {
    ...{ kind: 'statistical', limit: 'max', unit: 'rows', meaning: 'answers below one half' },
    measure: ({ predictions }) => predictions.filter(({ probability }) => probability < 0.5).length,
  },
  broken: {
    ...{ kind: 'statistical', limit: 'max', meaning: 'never there' },
    measure: () => Promise.reject(new Error('the dictionary is missing')),
  },
};

describe('a project’s own source, trainer, metrics and target', () => {
  it('carry a model to live: the gates name the metrics, deploy waits for the target, a fallback reaches it', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'serving-version');
    const store = storeOf(await testServers());
    const registry = new ObjectRegistry(store);
    await writeFile(file, '');
    await writeFile(join(folder.path, 'mails.csv'), CSV);
    const project = parseProject(
      {
        models: [MODEL_SPEC],
        trainers: { nobody: ZERO_WORK },
        sources: { mails: csvSource({ file: join(folder.path, 'mails.csv') }) },
        metrics: METRICS,
        targets: { file: targetOf(file) },
      } satisfies ProjectInput,
      'the project',
    );
    await using rig = await startRig('registrations', ({ client, taskQueue }) =>
      wireActivities({
        ...{ project: { ...project, root: folder.path }, store, client, taskQueue },
        ...{ workDir: folder.path, log: pino({ level: 'silent' }) },
      }),
    );
    // the app that serves: it writes the number of the version that it was told
    await using app = followLive({
      ...{ registry, model: MODEL, everyMs: 50 },
      onVersion: (version) => writeFile(file, `${version?.digest ?? ''} ${version?.version ?? 0}`),
    });
    const carry = async (seed: number) => {
      const { workflowId } = await rig.switchyard.start({ model: MODEL, seed });
      await approveBoth(rig.switchyard, workflowId);
      const outcome = await rig.switchyard.outcome(workflowId);
      assert.ok(outcome.outcome === 'live', JSON.stringify(outcome));
      return outcome;
    };

    const first = await carry(1);
    assert.equal(await readFile(file, 'utf8'), `${first.digest} 1`);
    assert.deepEqual(
      first.table.map(({ gate, verdict }) => [gate.metric, verdict]),
      [
        ['accuracy', 'passed'],
        ['undecided', 'passed'],
        ['broken', 'error'],
      ],
    );
    const report = await registry.testReport(MODEL, first.digest, first.testReport);
    assert.ok(report);
    for (const { gate, verdict } of report.results) {
      const measured: Measurement | undefined = report.measurements.find(
        ({ metric }) => metric === gate.metric,
      );
      assert.equal(
        judge(gate, measured, false).verdict,
        verdict,
        'judged again from what is stored',
      );
    }

    const second = await carry(2);
    assert.equal(await readFile(file, 'utf8'), `${second.digest} 2`);
    const order = { leaving: second.digest, by: 'grace', reason: 'wrong queues' };
    await rig.switchyard.fallback(MODEL, order);
    await until('the fallback reaches the target', async () =>
      (await readFile(file, 'utf8')) === `${first.digest} 1` ? 'there' : undefined,
    );
    const asked = { model: MODEL, digest: second.digest, generation: 2 };
    assert.deepEqual(await app.serving(asked), {
      serves: false,
      note: `it has ${first.digest.slice(0, 12)}`,
    });
  }).timeout(120_000);
});

/** Serves what is written in a file by somebody who follows `live.json`. */
function targetOf(file: string): Target {
  return {
    serving: async ({ digest }) => {
      const text = await readFile(file, 'utf8');
      return { serves: text.startsWith(digest), note: `the file says "${text}"` };
    },
  };
}
