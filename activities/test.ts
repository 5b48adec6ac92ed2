import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { z } from 'zod';
import { PortError } from '../domain/failures.js';
import {
  candidateSchema,
  lifecycleRequestSchema,
  snapshotRefSchema,
  stagedSchema,
  type Candidate,
  type Staged,
} from '../domain/lifecycle.js';
import { digestSchema, runIdSchema } from '../domain/names.js';
import type { Row, Snapshots } from '../domain/ports/dataset-source.js';
import type { ModelRuntime, OpenModel } from '../domain/ports/model-runtime.js';
import type { RegisteredVersion, Registry } from '../domain/ports/registry.js';
import { fromProbabilities, predictionsOf, type Predictions } from '../domain/predictions.js';
import { liveVersionOf } from '../domain/live-state.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { personSchema } from '../domain/signing/trust.js';
import { modelSpecSchema, type ModelSpec } from '../domain/spec.js';
import { assembleEvidence } from './assemble-evidence.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';
import { readKeptRows, writeAnswers } from './measure-answers.js';
import type { ProjectMetrics } from './measure-own.js';
import { measureSystem, textTensor } from './measure-system.js';
import { compareRuns, writeTwin } from './measure-twin.js';
import { mintNonce } from './nonce.js';
import { COMPARED, MEASUREMENTS, NONCE, OF_TWIN, PLOTS } from './staged-names.js';
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
  const { spec, candidate } = input;
  return inWorkFolder(ports.workRoot, async (folder) => {
    const directory = await folder('version');
    const { manifest } = await fetchVersion(ports, spec.model, candidate.digest, directory);
    const rows = await ports.snapshots.rows(input.heldOut);
    const { memoryLimitBytes } = spec.test;
    const version = { directory, artifact: candidate.artifact, manifest, memoryLimitBytes };
    const out = await folder('out');
    const write = async (artifact: string, before: string) => {
      const measuring = { ...version, artifact, rows };
      const { measurements, plots } = await measureSystem(ports.runtime, measuring, progress);
      await writeFile(join(out, `${before}${PLOTS}`), JSON.stringify(plots));
      await writeFile(join(out, `${before}${MEASUREMENTS}`), JSON.stringify(measurements));
    };
    await write(candidate.artifact, '');
    const twin = twinFileOf(candidate);
    if (twin !== null) {
      progress('the smaller twin');
      await write(twin, OF_TWIN);
      const compared = await compareRuns(ports.runtime, version, { twin, rows });
      await writeFile(join(out, COMPARED), JSON.stringify(compared));
    }
    return stageAll(ports, input, 'test-system', out);
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
    const askOf = async (digest: string, name: string) =>
      asking(ports, spec, digest, await folder(name));
    const ask = await askOf(candidate.digest, 'candidate');
    const kept = await readKeptRows(ports, spec.model);
    const out = await folder('out');
    await writeFile(join(out, NONCE), mintNonce());
    const askServed = served && (await askOf(served.digest, 'baseline'));
    const given = {
      ...{ spec, manifest: candidate.digest, kept },
      heldOut: { digest: input.heldOut.digest, rows },
      baseline: askServed && (await askServed(served.artifact, rows)),
    };
    const toKept = (artifact: string) =>
      'rows' in kept && kept.rows.length > 0 ? ask(artifact, kept.rows) : null;
    const { artifact } = candidate;
    const full = { ...given, candidate: await ask(artifact, rows), toKept: await toKept(artifact) };
    await writeAnswers(ports.metrics, full, { folder: out, before: '' });
    const twin = twinFileOf(candidate);
    if (twin !== null) {
      const answers = async () => ({
        candidate: await ask(twin, rows),
        toKept: await toKept(twin),
      });
      await writeTwin(ports.metrics, full, { answers, folder: out });
    }
    const staged = await stageAll(ports, input, 'test-quality', out);
    const isWithdrawn = live?.state.withdrawn.includes(candidate.digest) ?? false;
    return { staged, baseline: served?.digest ?? null, isWithdrawn };
  });
}

type Ask = (artifact: string, rows: readonly Row[]) => Promise<Predictions>;

/** Fetches a version into a folder; each of its files can then be asked. */
async function asking(
  ports: TestPorts,
  { model, test: { memoryLimitBytes } }: ModelSpec,
  digest: string,
  directory: string,
): Promise<Ask> {
  const { manifest } = await fetchVersion(ports, model, digest, directory);
  return (artifact, rows) =>
    predictRows(ports.runtime, { directory, artifact, manifest, memoryLimitBytes }, rows);
}

function twinFileOf({ twin }: Candidate): string | null {
  return twin?.kind === 'made' ? twin.artifact : null;
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

async function stageAll(
  ports: TestPorts,
  input: MeasureInput,
  stage: 'test-system' | 'test-quality',
  directory: string,
): Promise<Staged> {
  // rounds and attempts share one number, so that no round overwrites another's file
  const attempt = input.round * 1_000 + activityInfo().attempt;
  const files = await readdir(directory);
  return ports.registry.stage({ run: input.run, stage, attempt }, directory, files);
}
