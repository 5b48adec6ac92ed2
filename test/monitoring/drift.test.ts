import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { z } from 'zod';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { LabelFiles } from '../../adapters/monitoring/label-files.js';
import { WindowFiles } from '../../adapters/monitoring/window-files.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { ObjectSnapshots } from '../../adapters/snapshots/object-snapshots.js';
import { rowsSource } from '../../adapters/sources/rows-source.js';
import type { Activities } from '../../activities/index.js';
import { Monitors } from '../../client/monitors.js';
import type { Label } from '../../domain/monitor/labels.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import { parseProject } from '../../domain/project.js';
import { parseModelSpec } from '../../domain/spec.js';
import { startEndpoint } from '../../serving/serve.js';
import { testServers } from '../../testing/servers.js';
import { startRig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { wireActivities } from '../../workers/wire.js';
import { runActivity } from '../activities/run-activity.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { storeOf } from '../lifecycle/processes.js';
import { manifestOf } from '../serving/memory-registry.js';
import { LABELS, textModel, WORDS } from '../support/small-models.js';

const MODEL = 'drifting';

/** Sixty held-out mails, a third to each queue. */
const HELD_OUT: readonly Row[] = Array.from({ length: 60 }, (_, index) => ({
  id: `mail-${index}`,
  at: new Date(Date.parse('2026-01-01T00:00:00Z') + index * 60_000).toISOString(),
  label: LABELS[index % 3] ?? '',
  text: `about a ${WORDS[index % 3] ?? ''}`,
}));

const INPUT = {
  model: MODEL,
  train: { trainer: 'none', source: 'mails' },
  test: { gates: [{ metric: 'accuracy', min: 0.5 }], resamples: 100 },
  monitor: {
    every: '2 seconds',
    delay: '1500 ms',
    minSample: 30,
    labelsWithin: '1 hour',
    checks: [
      { metric: 'class-drift', max: 0.25, consecutive: 2, then: 'fall-back' },
      { metric: 'error-rate', max: 0.1 },
      { metric: 'accuracy', min: 0.9 },
    ],
  },
} as const;

/** A version through the real test stage, which leaves its profile, and on to live. */
async function carry(
  given: { activities: Activities; registry: ObjectRegistry; snapshots: ObjectSnapshots },
  folder: string,
  seed: number,
): Promise<string> {
  const { activities, registry, snapshots } = given;
  const spec = parseModelSpec(INPUT);
  const small = textModel();
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(small.files))
    await writeFile(join(folder, name), bytes);
  const { version, digest } = await registry.publish(manifestOf(MODEL, small, seed), folder);
  const parityReport = await registry.putEvidence(MODEL, digest, {
    ...{ schemaVersion: 1, model: MODEL, rows: 1, labelFlips: 0, maxProbabilityDifference: 0 },
    ...{ limit: 1e-5, passed: true, inputs: [] },
  });
  const candidate = { version, digest, artifact: 'model.onnx', parityReport };
  const heldOut = await snapshots.take('mails', {});
  const input = { spec, candidate, heldOut, run: randomUUID(), round: 1 };
  const { staged: quality, baseline } = await runActivity(activities.measureQuality, input);
  const out = `${folder}-system`; // how fast it is takes long to measure, and no gate asks
  await mkdir(out);
  await writeFile(join(out, 'measurements.json'), '[]');
  const place = { run: input.run, stage: 'test-system', attempt: 1 } as const;
  const system = await registry.stage(place, out, ['measurements.json']);
  const assembled = { ...input, system, quality, baseline };
  const { evidence } = await runActivity(activities.assembleEvidence, assembled);
  const served = { version, digest, artifact: 'model.onnx', evidence, decisions: [] };
  const change = { kind: 'promote', candidate: served, baseline } as const;
  assert.equal((await registry.changeLive(MODEL, change, randomUUID())).kind, 'promoted');
  return digest;
}

const answerSchema = z.object({ id: z.string(), parameters: z.object({ digest: z.string() }) });

/** One request of thirty rows; resolves to its id and what the rows were about. */
async function ask(url: string, words: readonly string[]): Promise<{ id: string; digest: string }> {
  const data = Array.from({ length: 30 }, (_, row) => `a ${words[row % words.length] ?? ''}`);
  const inputs = [{ name: 'text', datatype: 'BYTES', shape: [data.length], data }];
  const response = await fetch(`${url}/v2/models/${MODEL}/infer`, {
    ...{ method: 'POST', body: JSON.stringify({ inputs }) },
  });
  const { id, parameters } = answerSchema.parse(await response.json());
  return { id, digest: parameters.digest };
}

describe('the monitor over a real endpoint', () => {
  it('judges windows, joins labels, and falls back when the mix of labels drifts', async () => {
    await using folder = await temporaryFolder();
    const store = storeOf(await testServers());
    const registry = new ObjectRegistry(store);
    const sources = { mails: rowsSource(() => HELD_OUT) };
    const trainers = { none: { project: 'none', script: 'none.py' } };
    const parsed = parseProject({ models: [INPUT], trainers, sources }, 'the test');
    const snapshots = new ObjectSnapshots(store, sources);
    let activities: Activities | undefined;
    await using rig = await startRig('monitor-drift', ({ client, taskQueue }) => {
      const project = { ...parsed, root: folder.path };
      const log = pino({ level: 'silent' });
      activities = wireActivities({
        ...{ project, store, client, taskQueue, workDir: folder.path, log },
      });
      return activities;
    });
    assert.ok(activities);
    const first = await carry({ activities, registry, snapshots }, join(folder.path, 'v1'), 1);
    const second = await carry({ activities, registry, snapshots }, join(folder.path, 'v2'), 2);
    const endpoint = await startEndpoint({
      ...{ registry, runtime: new ChildModelRuntime(), models: [MODEL], replica: 'drift-1' },
      ...{ cacheDirectory: join(folder.path, 'cache'), pollMs: 100 },
    });
    const monitors = new Monitors(rig);
    const handle = rig.client.workflow.getHandle(`monitor/${MODEL}`);
    try {
      await monitors.start(MODEL);
      const asked: string[] = [];
      const healthy = await until('a window passes', async () => {
        asked.push((await ask(endpoint.url, WORDS.slice(0, 3))).id);
        const { rows } = await monitors.state(MODEL);
        return rows.find(({ verdict }) => verdict === 'passed');
      });
      assert.deepEqual([healthy.version, healthy.digest, healthy.errorRate], [2, second, 0]);
      assert.ok((healthy.classDrift ?? 1) < 1e-12, 'the mix is that of the reference');

      const labels = asked.flatMap((requestId) =>
        Array.from({ length: 30 }, (_, row): Label => ({
          ...{ requestId, row, label: LABELS[row % 3] ?? '' },
        })),
      );
      const labelFiles = new LabelFiles(store);
      assert.deepEqual(await labelFiles.add(MODEL, labels), { added: labels.length, known: 0 });
      assert.deepEqual(await labelFiles.add(MODEL, labels), { added: 0, known: labels.length });
      const accuracy = await until('the labels are joined', async () => {
        await ask(endpoint.url, WORDS.slice(0, 3));
        const { rows } = await monitors.state(MODEL);
        return rows.find(({ kind }) => kind === 'accuracy');
      });
      assert.deepEqual([accuracy.accuracy, accuracy.verdict, accuracy.version], [1, 'passed', 2]);

      const back = await until(
        'it falls back',
        async () => {
          await ask(endpoint.url, ['refund']);
          const live = await registry.live(MODEL);
          return live?.state.live === first ? live.state : undefined;
        },
        30_000,
      );
      assert.deepEqual(back.withdrawn, [second]);
      const state = await until('it says so', async () => {
        const now = await monitors.state(MODEL);
        return now.coolDown.length === 2 ? now : undefined;
      });
      assert.deepEqual(state.coolDown, [second, first]);
      const note = state.notes.find(({ text }) => text.startsWith('fallback: fallen-back'));
      assert.match(note?.text ?? '', /class-drift is [\d.]+ of \d+ rows, at most 0\.25 is asked/);
      assert.match(note?.text ?? '', /\d+ windows in a row; version 2/);
      await until('the endpoint answers with version 1', async () =>
        (await ask(endpoint.url, ['refund'])).digest === first ? true : undefined,
      );
      const failed = state.rows.findLast(({ verdict }) => verdict === 'failed');
      const kept = await new WindowFiles(store).window(MODEL, Date.parse(failed?.from ?? ''));
      assert.deepEqual([kept?.verdict, kept?.digest, kept?.classes.length], ['failed', second, 3]);
    } finally {
      await handle.terminate('the test is over').catch(() => undefined);
      await rig.client.workflow
        .getHandle(`live/${MODEL}`)
        .terminate()
        .catch(() => undefined);
      await endpoint.close();
    }
  }).timeout(120_000);
});
