import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Evidence, TestReport } from '../domain/evidence.js';
import {
  findingsOf,
  gateOwner,
  judge,
  measurementSchema,
  overallVerdict,
  type GateResult,
  type Measurement,
} from '../domain/gate.js';
import type { Candidate, SnapshotRef, Staged, Tested } from '../domain/lifecycle.js';
import type { Registry } from '../domain/ports/registry.js';
import { referenceProfileSchema } from '../domain/monitor/reference-profile.js';
import type { ModelSpec } from '../domain/spec.js';
import { inWorkFolder } from './work-folder.js';

/** The file in which a measuring activity stages what it found. */
export const MEASUREMENTS = 'measurements.json';
/** The file in which the reference profile is staged beside the statistical metrics. */
export const PROFILE = 'profile.json';
/** The file in which the evidence's nonce is staged, so that a repeated attempt writes the same evidence. */
export const NONCE = 'nonce';

/** Inputs of a finding that travel through history; the report holds all of them. */
const CARRIED = 5;

export interface EvidencePorts {
  readonly registry: Registry;
  readonly workRoot: string;
}

export interface AssembleInput {
  readonly spec: ModelSpec;
  readonly candidate: Candidate;
  readonly heldOut: SnapshotRef;
  readonly run: string;
  readonly system: Staged;
  readonly quality: Staged;
  readonly baseline: string | null;
}

/** Judges what was measured, and writes the report and the evidence beside the version. */
export async function assembleEvidence(
  ports: EvidencePorts,
  input: AssembleInput,
): Promise<Tested> {
  const { spec, candidate, baseline } = input;
  const { measurements, profile, nonce } = await fetchStaged(ports, input);
  const results = spec.test.gates.map((gate) =>
    judge(
      gate,
      measurements.find(({ metric }) => metric === gate.metric),
      baseline !== null,
    ),
  );
  const report: TestReport = {
    schemaVersion: 1,
    model: spec.model,
    manifest: candidate.digest,
    artifact: candidate.artifact,
    baseline,
    heldOut: input.heldOut.digest,
    ...(profile !== null && { profile }),
    measurements: [...measurements],
    results,
    verdict: overallVerdict(results),
    findings: [...findingsOf(results, measurements)],
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`,
  };
  const testReport = await ports.registry.putEvidence(spec.model, candidate.digest, report);
  const evidence = evidenceOf(input, { testReport, nonce }, results);
  return {
    verdict: report.verdict,
    evidence: await ports.registry.putEvidence(spec.model, candidate.digest, evidence),
    testReport,
    baseline,
    roles: evidence.roles,
    table: results.map(({ gate, verdict, reason, value }) => ({ gate, verdict, reason, value })),
    findings: report.findings.map((each) => ({ ...each, inputs: each.inputs.slice(0, CARRIED) })),
  };
}

function evidenceOf(
  { spec, candidate, baseline, run }: AssembleInput,
  { testReport, nonce }: Pick<Evidence, 'testReport' | 'nonce'>,
  results: readonly GateResult[],
): Evidence {
  return {
    schemaVersion: 1,
    model: spec.model,
    lifecycle: run,
    manifest: candidate.digest,
    artifact: candidate.artifact,
    testReport,
    parityReport: candidate.parityReport,
    baseline,
    roles: [...rolesAsked(spec, results)],
    policy: null,
    nonce,
  };
}

/** The owners of what no gate could settle decide first, then the roles of the specification. */
function rolesAsked(spec: ModelSpec, results: readonly GateResult[]): ReadonlySet<string> {
  const unsettled = results.filter(
    ({ verdict }) => verdict === 'inconclusive' || verdict === 'error',
  );
  return new Set([
    ...unsettled.map(({ gate }) => gateOwner(gate)),
    ...spec.approve.handOffs.map(({ role }) => role),
  ]);
}

/** What the measuring activities staged; the profile is put beside the version, for the report to name it. */
async function fetchStaged(
  ports: EvidencePorts,
  { spec, candidate, system, quality }: AssembleInput,
): Promise<{ measurements: readonly Measurement[]; profile: string | null; nonce: string }> {
  return inWorkFolder(ports.workRoot, async (folder) => {
    const directory = await folder('quality');
    const measurements = [
      ...(await fetchMeasurements(ports, system, await folder('system'))),
      ...(await fetchMeasurements(ports, quality, directory)),
    ];
    const has = (file: string) => quality.files.some(({ path }) => path === file);
    const nonce = has(NONCE) ? await readFile(join(directory, NONCE), 'utf8') : mintNonce();
    if (!has(PROFILE)) return { measurements, profile: null, nonce };
    const text = await readFile(join(directory, PROFILE), 'utf8');
    const profile = referenceProfileSchema.parse(JSON.parse(text));
    const digest = await ports.registry.putEvidence(spec.model, candidate.digest, profile);
    return { measurements, profile: digest, nonce };
  });
}

/** Unknown to anybody before the evidence is made. */
export const mintNonce = () => randomBytes(16).toString('hex');

async function fetchMeasurements(
  ports: EvidencePorts,
  staged: Staged,
  directory: string,
): Promise<readonly Measurement[]> {
  await ports.registry.fetchStaged(staged, directory);
  const text = await readFile(join(directory, MEASUREMENTS), 'utf8');
  return z.array(measurementSchema).parse(JSON.parse(text));
}
