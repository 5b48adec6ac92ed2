import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { z } from 'zod';
import {
  conversionSchema,
  parityLineSchema,
  runnableOf,
  twinOf,
  type Conversion,
  type ParityLine,
} from '../domain/conversion.js';
import { parityReportSchema, type ParityReport } from '../domain/evidence.js';
import { PortError } from '../domain/failures.js';
import type { Finding } from '../domain/gate.js';
import {
  snapshotPairSchema,
  stagedSchema,
  trainedSchema,
  type Candidate,
  type Staged,
} from '../domain/lifecycle.js';
import type { Manifest } from '../domain/manifest.js';
import { runIdSchema } from '../domain/names.js';
import { ODD_TEXTS } from '../domain/odd-texts.js';
import { compareParity } from '../domain/parity.js';
import { predictionsOf } from '../domain/predictions.js';
import type { Row, Snapshots } from '../domain/ports/dataset-source.js';
import type { ModelRuntime } from '../domain/ports/model-runtime.js';
import type { Registry } from '../domain/ports/registry.js';
import type { ConvertJob, Trainer } from '../domain/ports/trainer.js';
import { modelSpecSchema, type ModelSpec } from '../domain/spec.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';
import { trainerJob } from './retrain.js';
import { inWorkFolder } from './work-folder.js';

export interface ConvertPorts {
  readonly registry: Registry;
  readonly snapshots: Snapshots;
  readonly trainer: Trainer;
  readonly runtime: ModelRuntime;
  readonly workRoot: string;
}

const LOAD_DEADLINE_MS = 60_000;
const PARITY_REPORT = 'parity-report.json';
const CONVERSION = 'model.json';

const convertInputSchema = z.strictObject({
  spec: modelSpecSchema,
  snapshots: snapshotPairSchema,
  trained: trainedSchema,
  run: runIdSchema,
});
const publishInputSchema = convertInputSchema.extend({ converted: stagedSchema });

/** What conversion came to: staged files, or the finding of a parity that was missed. */
export type Converted =
  | { readonly kind: 'converted'; readonly staged: Staged }
  | { readonly kind: 'parity-missed'; readonly finding: Finding };

/** From a trainer's native files to a version. */
export function createConvertActivities(ports: ConvertPorts) {
  return {
    /** Converts to ONNX and holds it against the source framework on odd and real rows. No version is made of a miss. */
    convertToOnnx: defineActivity(convertInputSchema, (input) =>
      withHeartbeats(({ signal }) => convertStaged(ports, input, signal)),
    ),
    /** Claims a version number for the converted files, uploads them, and writes the manifest last. */
    publishVersion: defineActivity(publishInputSchema, (input) =>
      withHeartbeats(() => publishVersion(ports, input)),
    ),
    /** Deletes what a run left in staging; resolves to the number of objects. */
    sweepStaging: defineActivity(z.strictObject({ run: runIdSchema }), ({ run }) =>
      withHeartbeats(() => ports.registry.sweepStaging(run)),
    ),
  };
}

async function convertStaged(
  ports: ConvertPorts,
  { spec, snapshots, trained, run }: z.output<typeof convertInputSchema>,
  signal: AbortSignal,
): Promise<Converted> {
  return inWorkFolder(ports.workRoot, async (folder) => {
    const native = await folder('native');
    await ports.registry.fetchStaged(trained.staged, native);
    const heldOut = await ports.snapshots.rows(snapshots.heldOut);
    const output = await folder('output');
    const { files, report } = await convertLocally(ports, {
      spec,
      heldOut,
      native,
      output,
      scratch: await folder('scratch'),
      signal,
    });
    if (!report.passed) return { kind: 'parity-missed', finding: parityFinding(report) };
    await writeFile(join(output, PARITY_REPORT), JSON.stringify(report));
    const place = { run, stage: 'convert', attempt: activityInfo().attempt } as const;
    const staged = await ports.registry.stage(place, output, [...files, CONVERSION, PARITY_REPORT]);
    return { kind: 'converted', staged };
  });
}

/**
 * Converts native files in a local folder and compares the answers; the inner loop's and the activity's common part.
 * Resolves to the files that make a version (relative to `output`) and the parity report.
 */
export async function convertLocally(
  ports: Pick<ConvertPorts, 'trainer' | 'runtime'>,
  given: {
    spec: ModelSpec;
    heldOut: readonly Row[];
    native: string;
    output: string;
    scratch: string;
    signal: AbortSignal;
  },
): Promise<{ files: readonly string[]; conversion: Conversion; report: ParityReport }> {
  const { spec, output } = given;
  const rows = parityRows(spec, given.heldOut);
  const parityFile = join(given.scratch, 'parity-rows.jsonl');
  await writeFile(parityFile, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await ports.trainer.run(
    {
      command: 'convert',
      ...trainerJob(spec),
      native: given.native,
      parityRows: parityFile,
      output,
      checkpoints: given.scratch,
      ...twinWanted(spec),
    },
    { onEvent: () => undefined, signal: given.signal },
  );
  const conversion = await readConversion(output);
  const source = await readParityLines(join(output, 'parity.jsonl'));
  const answers = await answer(ports.runtime, { spec, conversion, output, rows });
  const limit = spec.convert.maxProbabilityDifference;
  const report = compareParity({ model: spec.model, rows, source, answers, limit });
  const frontEnd = conversion.frontEnd === null ? [] : [conversion.frontEnd];
  const twin = twinOf(conversion, {
    asked: spec.convert.twin,
    files: await readdir(output, { recursive: true }),
  });
  const made = twin?.kind === 'made' ? [twin.artifact] : [];
  return { files: [conversion.artifact, ...made, ...frontEnd], conversion, report };
}

/** A twin where it is asked for; else what it would have, where a size gate is missed without one. */
function twinWanted({
  convert,
  test,
}: ModelSpec): Pick<ConvertJob, 'twin' | 'offerTwinAboveBytes'> {
  if (convert.twin !== undefined) return { twin: convert.twin };
  const limit = test.gates.find(({ metric }) => metric === 'artifact-bytes')?.max;
  return limit === undefined ? {} : { offerTwinAboveBytes: limit };
}

/** The odd texts that every text model must survive, then real rows spread over the held-out time. */
function parityRows(
  spec: ModelSpec,
  heldOut: readonly Row[],
): readonly { id: string; text: string }[] {
  const wanted = Math.min(spec.convert.parityRows, heldOut.length);
  const real = Array.from({ length: wanted }, (_, index) => {
    const row = heldOut[Math.floor((index * heldOut.length) / wanted)];
    return { id: row?.id ?? '', text: row?.text ?? '' };
  });
  return [...ODD_TEXTS, ...real];
}

async function answer(
  runtime: ModelRuntime,
  given: {
    spec: ModelSpec;
    conversion: Conversion;
    output: string;
    rows: readonly { text: string }[];
  },
) {
  const opened = await runtime.open({
    directory: given.output,
    artifact: given.conversion.artifact,
    manifest: runnableOf(given.conversion),
    memoryLimitBytes: given.spec.test.memoryLimitBytes,
    loadDeadlineMs: LOAD_DEADLINE_MS,
  });
  try {
    const texts = given.rows.map(({ text }) => text);
    const { outputs } = await opened.infer([
      { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts },
    ]);
    return predictionsOf(outputs, given.conversion.labels);
  } finally {
    await opened.close();
  }
}

function parityFinding(report: ParityReport): Finding {
  return {
    gate: { metric: 'parity-difference', max: report.limit, minSample: 1 },
    owner: 'engineering',
    reason: `parity missed: ${report.labelFlips} of ${report.rows} labels differ from the source framework, probabilities by up to ${report.maxProbabilityDifference.toExponential(1)} (at most ${report.limit.toExponential(1)} is allowed)`,
    inputs: report.inputs,
  };
}

async function publishVersion(
  ports: ConvertPorts,
  { spec, snapshots, trained, converted }: z.output<typeof publishInputSchema>,
): Promise<Candidate> {
  return inWorkFolder(ports.workRoot, async (folder) => {
    const directory = await folder('version');
    await ports.registry.fetchStaged(converted, directory);
    const conversion = await readConversion(directory);
    const files = converted.files.map(({ path }) => path);
    const twin = twinOf(conversion, { asked: spec.convert.twin, files });
    const report = parityReportSchema.parse(await readJson(join(directory, PARITY_REPORT)));
    const manifest: Manifest = {
      schemaVersion: 1,
      model: spec.model,
      files: converted.files.filter(({ path }) => path !== CONVERSION && path !== PARITY_REPORT),
      artifacts: [conversion.artifact, ...(twin?.kind === 'made' ? [twin.artifact] : [])],
      ...runnableOf(conversion),
      runtime: { name: 'onnxruntime-node', version: ports.runtime.version },
      lineage: {
        data: [snapshots.train.digest],
        trainer: spec.train.trainer,
        trainerLock: trained.trainerLock,
        code: trained.code,
        parameters: spec.train.parameters,
        seed: spec.train.seed,
        parents: [],
      },
      metrics: trained.metrics,
    };
    const { version, digest } = await ports.registry.publish(manifest, directory);
    const parityReport = await ports.registry.putEvidence(spec.model, digest, report);
    const { artifact } = conversion;
    return { version, digest, artifact, parityReport, ...(twin !== undefined && { twin }) };
  });
}

/** Reads and checks `model.json` in a folder. @throws PortError `BadTrainerOutput`. */
export async function readConversion(directory: string): Promise<Conversion> {
  const parsed = conversionSchema.safeParse(await readJson(join(directory, CONVERSION)));
  if (parsed.success) return parsed.data;
  throw new PortError(
    'BadTrainerOutput',
    `the trainer's ${CONVERSION} is wrong: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
  );
}

async function readParityLines(path: string): Promise<readonly ParityLine[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parityLineSchema.parse(JSON.parse(line)));
}

async function readJson(path: string): Promise<unknown> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    return parsed;
  } catch (cause) {
    throw new PortError('BadTrainerOutput', `${path} is missing or no JSON`, { cause });
  }
}
