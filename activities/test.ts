import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { z } from 'zod';
import { isPortError, PortError } from '../domain/failures.js';
import type { Measurement } from '../domain/gate.js';
import {
  candidateSchema,
  lifecycleRequestSchema,
  snapshotRefSchema,
  stagedSchema,
  type Staged,
} from '../domain/lifecycle.js';
import { digestSchema, runIdSchema } from '../domain/names.js';
import type { Row, Snapshots } from '../domain/ports/dataset-source.js';
import type { ModelRuntime, OpenModel } from '../domain/ports/model-runtime.js';
import type { RegisteredVersion, Registry } from '../domain/ports/registry.js';
import { fromProbabilities, predictionsOf, type Predictions } from '../domain/predictions.js';
import { measureQuality } from '../domain/quality.js';
import { measureQualityPlots } from '../domain/report/measure-plots.js';
import { referenceProfileOf } from '../domain/monitor/reference-profile.js';
import { measureRegressions, unreadRegressions } from '../domain/regressions.js';
import { liveVersionOf } from '../domain/live-state.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { personSchema } from '../domain/signing/trust.js';
import { modelSpecSchema, type ModelSpec } from '../domain/spec.js';
import {
  assembleEvidence,
  MEASUREMENTS,
  mintNonce,
  NONCE,
  PLOTS,
  PROFILE,
} from './assemble-evidence.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';
import { measureOwn, type ProjectMetrics } from './measure-own.js';
import { measureSystem, textTensor } from './measure-system.js';
import { inWorkFolder } from './work-folder.js';

export interface TestPorts {
  readonly registry: Registry;
  readonly snapshots: Snapshots;
  readonly runtime: ModelRuntime;
  /** The project's own metrics by name. */
  readonly metrics: ProjectMetrics;
  readonly workRoot: string;
  readonly trust: TrustSource;
}

const LOAD_DEADLINE_MS = 60_000;
const BATCH_ROWS = 256;

const measureInputSchema = z.strictObject({
  spec: modelSpecSchema,
  candidate: candidateSchema,
  heldOut: snapshotRefSchema,
  run: runIdSchema,
  /** Which round of tests of this lifecycle it is; a later one has new rows or a new baseline. */
  round: z.int().min(1),
});
type MeasureInput = z.output<typeof measureInputSchema>;

const assembleInputSchema = measureInputSchema.extend({
  system: stagedSchema,
  quality: stagedSchema,
  baseline: digestSchema.nullable(),
  /** Who started the lifecycle, by a verified signature; null: no person that is known. */
  starter: personSchema.nullable().default(null),
  start: lifecycleRequestSchema.required({ signature: true }).nullable().default(null),
});

/** Measures a version and judges it. */
export function createTestActivities(ports: TestPorts) {
  return {
    /** System metrics, from throw-away processes. */
    measureSystem: defineActivity(measureInputSchema, (input) =>
      withHeartbeats(({ progress }) => systemStage(ports, input, progress)),
    ),
    /** Statistical metrics on the held-out rows, and against what is live now on the same rows. */
    measureQuality: defineActivity(measureInputSchema, (input) =>
      withHeartbeats(() => qualityStage(ports, input)),
    ),
    /** Judges the measurements and writes report and evidence beside the version. */
    assembleEvidence: defineActivity(assembleInputSchema, (input) =>
      withHeartbeats(() => assembleEvidence(ports, input)),
    ),
  };
}

async function systemStage(
  ports: TestPorts,
  input: MeasureInput,
  progress: (detail: unknown) => void,
): Promise<Staged> {
  return inWorkFolder(ports.workRoot, async (folder) => {
    const directory = await folder('version');
    const { manifest } = await fetchVersion(
      ports,
      input.spec.model,
      input.candidate.digest,
      directory,
    );
    const { measurements, plots } = await measureSystem(
      ports.runtime,
      {
        directory,
        artifact: input.candidate.artifact,
        manifest,
        rows: await ports.snapshots.rows(input.heldOut),
        memoryLimitBytes: input.spec.test.memoryLimitBytes,
      },
      progress,
    );
    const out = await folder('out');
    await writeFile(join(out, PLOTS), JSON.stringify(plots));
    return stageMeasurements(ports, input, 'test-system', measurements, out);
  });
}

async function qualityStage(
  ports: TestPorts,
  input: MeasureInput,
): Promise<{ staged: Staged; baseline: string | null; isWithdrawn?: boolean }> {
  const { spec, candidate } = input;
  return inWorkFolder(ports.workRoot, async (folder) => {
    const rows = await ports.snapshots.rows(input.heldOut);
    const live = await ports.registry.live(spec.model);
    const served = live === null ? null : liveVersionOf(live.state);
    const predict = async (version: { digest: string; artifact: string }, name: string) =>
      predictVersion(ports, spec, version, { rows, directory: await folder(name) });
    const predictions = await predict(candidate, 'candidate');
    const out = await folder('out');
    const profile = referenceProfileOf({
      ...{ model: spec.model, manifest: candidate.digest, heldOut: input.heldOut.digest },
      ...{ rows, predictions },
    });
    if (profile !== null) await writeFile(join(out, PROFILE), JSON.stringify(profile));
    await writeFile(join(out, NONCE), mintNonce());
    const compared = {
      rows,
      candidate: predictions,
      baseline: served === null ? null : await predict(served, 'baseline'),
    };
    await writeFile(join(out, PLOTS), JSON.stringify(measureQualityPlots(compared)));
    const { resamples, confidence } = spec.test;
    const measurements = [
      ...measureQuality({ ...compared, resamples, confidence, seed: spec.train.seed }),
      ...(await measureOwn(ports.metrics, { ...compared, spec })),
      ...(await measureRegressionsOf(ports, spec, async (kept) =>
        predictVersion(ports, spec, candidate, { rows: kept, directory: await folder('kept') }),
      )),
    ];
    const staged = await stageMeasurements(ports, input, 'test-quality', measurements, out);
    const isWithdrawn = live?.state.withdrawn.includes(candidate.digest) ?? false;
    return { staged, baseline: served?.digest ?? null, isWithdrawn };
  });
}

/** On the rows that closed follow-ups left, each once; nothing, where there are none. */
async function measureRegressionsOf(
  { registry, snapshots }: TestPorts,
  { model }: ModelSpec,
  predict: (rows: readonly Row[]) => Promise<Predictions>,
): Promise<readonly Measurement[]> {
  const rows = new Map<string, Row>();
  try {
    for (const { snapshot } of await registry.regressions(model)) {
      for (const row of await snapshots.rowsLeft(snapshot)) rows.set(`${row.id} ${row.text}`, row);
    }
  } catch (error) {
    // who deleted or changed them by hand is asked what that was for
    if (!isPortError(error) || error.kind !== 'terminal') throw error;
    return [unreadRegressions(error.message)];
  }
  const all = [...rows.values()];
  return all.length === 0 ? [] : [measureRegressions(all, await predict(all))];
}

async function predictVersion(
  ports: TestPorts,
  spec: ModelSpec,
  { digest, artifact }: { digest: string; artifact: string },
  given: { rows: readonly Row[]; directory: string },
): Promise<Predictions> {
  const { rows, directory } = given;
  const { manifest } = await fetchVersion(ports, spec.model, digest, directory);
  const { memoryLimitBytes } = spec.test;
  return predictRows(ports.runtime, { directory, artifact, manifest, memoryLimitBytes }, rows);
}

/** A version's answers to rows, in a process of its own. */
export async function predictRows(
  runtime: ModelRuntime,
  version: Omit<OpenModel, 'loadDeadlineMs'>,
  rows: readonly Row[],
): Promise<Predictions> {
  const { labels } = version.manifest.contract;
  const opened = await runtime.open({ ...version, loadDeadlineMs: LOAD_DEADLINE_MS });
  try {
    const probabilities = new Float64Array(rows.length * labels.length);
    for (let from = 0; from < rows.length; from += BATCH_ROWS) {
      const texts = rows.slice(from, from + BATCH_ROWS).map(({ text }) => text);
      const { outputs } = await opened.infer([textTensor(texts)]);
      probabilities.set(predictionsOf(outputs, labels).probabilities, from * labels.length);
    }
    return fromProbabilities(probabilities, labels);
  } finally {
    await opened.close();
  }
}

/** @throws PortError `UnknownVersion`. */
async function fetchVersion(
  ports: TestPorts,
  model: string,
  digest: string,
  directory: string,
): Promise<RegisteredVersion> {
  const registered = await ports.registry.versionByDigest(model, digest);
  if (registered === null) {
    throw new PortError('UnknownVersion', `model "${model}" has no version ${digest}`, {
      details: { model, digest },
    });
  }
  await ports.registry.fetchVersion(registered, directory);
  return registered;
}

async function stageMeasurements(
  ports: TestPorts,
  input: MeasureInput,
  stage: 'test-system' | 'test-quality',
  measurements: readonly Measurement[],
  directory: string,
): Promise<Staged> {
  await writeFile(join(directory, MEASUREMENTS), JSON.stringify(measurements));
  // rounds and attempts share one number, so that no round overwrites another's file
  const attempt = input.round * 1_000 + activityInfo().attempt;
  const files = await readdir(directory);
  return ports.registry.stage({ run: input.run, stage, attempt }, directory, files);
}
