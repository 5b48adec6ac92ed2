import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../domain/digest.js';
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
import type { Candidate, Signing, SnapshotRef, Staged, Tested } from '../domain/lifecycle.js';
import type { Registry } from '../domain/ports/registry.js';
import type { TrustSource } from '../domain/ports/trust.js';
import {
  referenceProfileSchema,
  type ReferenceProfile,
} from '../domain/monitor/reference-profile.js';
import {
  qualityPlotsSchema,
  systemPlotsSchema,
  type PlotData,
} from '../domain/report/plot-data.js';
import { policyOfRoles, withoutSpares, type ApprovalPolicy } from '../domain/signing/policy.js';
import { leastOf, signingKeysOf, type Least, type Trust } from '../domain/signing/trust.js';
import { withRegressions } from '../domain/regressions.js';
import type { SignedRequest } from '../domain/signing/verify-start.js';
import type { ModelSpec } from '../domain/spec.js';
import { storePage } from './store-page.js';
import { inWorkFolder } from './work-folder.js';

/** The file in which a measuring activity stages what it found. */
export const MEASUREMENTS = 'measurements.json';
/** The file in which the reference profile is staged beside the statistical metrics. */
export const PROFILE = 'profile.json';
/** The file in which a measuring activity stages what plots are drawn of. */
export const PLOTS = 'plots.json';
/** The file in which the evidence's nonce is staged, so that a repeated attempt writes the same evidence. */
export const NONCE = 'nonce';

/** Inputs of a finding that travel through history; the report holds all of them. */
const CARRIED = 5;

export interface EvidencePorts {
  readonly registry: Registry;
  readonly workRoot: string;
  readonly trust: TrustSource;
}

export interface AssembleInput {
  readonly spec: ModelSpec;
  readonly candidate: Candidate;
  readonly heldOut: SnapshotRef;
  readonly run: string;
  readonly system: Staged;
  readonly quality: Staged;
  readonly baseline: string | null;
  /** Who started the lifecycle, by a verified signature. */
  readonly starter: string | null;
  /** The request with that signature; null where nobody signed it. */
  readonly start: SignedRequest | null;
}

/** Judges what was measured, and writes the report and the evidence beside the version. */
export async function assembleEvidence(
  ports: EvidencePorts,
  input: AssembleInput,
): Promise<Tested> {
  const { spec, candidate, baseline } = input;
  const { measurements, profile, plots, nonce } = await fetchStaged(ports, input);
  const results = withRegressions(spec.test.gates, measurements).map((gate) =>
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
    ...(plots !== null && { plots: plots.digest }),
    measurements: [...measurements],
    results,
    verdict: overallVerdict(results),
    findings: [...findingsOf(results, measurements)],
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`,
  };
  const testReport = await ports.registry.putEvidence(spec.model, candidate.digest, report);
  const roles = [...rolesAsked(spec, results)];
  const page = await storePage(ports.registry, {
    ...input,
    report,
    plots: plots?.data ?? null,
    roles,
  });
  const policy = policyFor(input, roles, await ports.trust.read());
  const evidence = evidenceOf(input, { testReport, page, roles, nonce, policy: written(policy) });
  const signing = await signingOf(ports.trust, nonce);
  return {
    verdict: report.verdict,
    evidence: await ports.registry.putEvidence(spec.model, candidate.digest, evidence),
    ...{ testReport, page, baseline, roles, policy },
    ...(signing !== null && { signing }),
    table: results.map(({ gate, verdict, reason, value }) => ({ gate, verdict, reason, value })),
    findings: report.findings.map((each) => ({ ...each, inputs: each.inputs.slice(0, CARRIED) })),
  };
}

function evidenceOf(
  { spec, candidate, baseline, run, start }: AssembleInput,
  made: Pick<Evidence, 'testReport' | 'page' | 'roles' | 'policy' | 'nonce'>,
): Evidence {
  return {
    schemaVersion: 1,
    model: spec.model,
    lifecycle: run,
    manifest: candidate.digest,
    artifact: candidate.artifact,
    parityReport: candidate.parityReport,
    baseline,
    ...(start !== null && { start }),
    ...made,
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

/** One person where an owner is asked about a gate that nothing could settle; otherwise as the specification says. */
function policyFor(
  { spec, starter }: AssembleInput,
  roles: readonly string[],
  trust: Trust | null,
): ApprovalPolicy {
  const { handOffs } = policyOfRoles(roles);
  const policy: ApprovalPolicy = {
    handOffs: handOffs.map((one) => {
      const asked = spec.approve.handOffs.find(({ role }) => role === one.role);
      return asked === undefined
        ? one
        : {
            ...{ ...one, quorum: asked.quorum, distinctFrom: asked.distinctFrom },
            ...(asked.escalation && { escalation: asked.escalation.to }),
          };
    }),
    starter,
    ...(spec.approve.breakGlass && { breakGlass: spec.approve.breakGlass }),
  };
  return holdingLeast(policy, trust && leastOf(trust, spec.model));
}

/** Whoever decides in another's place does so for nothing where the trust file wants that role itself, or more people: so nobody is asked to. */
function holdingLeast(policy: ApprovalPolicy, least: Least | null): ApprovalPolicy {
  const asked = new Set(policy.handOffs.map(({ role }) => role));
  const { breakGlass } = policy;
  const isGlassEnough =
    least === null || (least.roles.length === 0 && least.quorum <= (breakGlass?.quorum ?? 0));
  return withoutSpares(policy, (role) => {
    if (asked.has(role)) return false;
    if (role === breakGlass?.role) return isGlassEnough;
    const instead = policy.handOffs.find(({ escalation }) => escalation === role);
    return least === null || !least.roles.includes(instead?.role ?? role);
  });
}

/** An older build reads no policy: it takes its absence for one person of each role. */
function written(policy: ApprovalPolicy): ApprovalPolicy | null {
  const plain = policyOfRoles(policy.handOffs.map(({ role }) => role));
  return canonicalJson(policy) === canonicalJson(plain) ? null : policy;
}

/** What the workflow verifies decisions by; null where they are not signed. */
export async function signingOf(trust: TrustSource, nonce: string): Promise<Signing | null> {
  const trusted = await trust.read();
  if (trusted === null) return null;
  return { environment: trusted.environment, nonce, keys: signingKeysOf(trusted) };
}

interface Fetched {
  readonly measurements: readonly Measurement[];
  /** Digest of the reference profile. */
  readonly profile: string | null;
  readonly plots: { readonly digest: string; readonly data: PlotData } | null;
  readonly nonce: string;
}

/** What the measuring activities staged; profile and plots are put beside the version, for the report to name them. */
async function fetchStaged(
  ports: EvidencePorts,
  { spec, candidate, system, quality }: AssembleInput,
): Promise<Fetched> {
  return inWorkFolder(ports.workRoot, async (folder) => {
    const [ofSystem, ofQuality] = [await folder('system'), await folder('quality')];
    const measurements = [
      ...(await fetchMeasurements(ports, system, ofSystem)),
      ...(await fetchMeasurements(ports, quality, ofQuality)),
    ];
    const put = (document: ReferenceProfile | PlotData) =>
      ports.registry.putEvidence(spec.model, candidate.digest, document);
    const nonce = await readStaged(quality, ofQuality, NONCE);
    const profile = await readJson(quality, ofQuality, PROFILE, referenceProfileSchema);
    const data: PlotData = {
      ...{ schemaVersion: 1, model: spec.model, manifest: candidate.digest },
      quality: await readJson(quality, ofQuality, PLOTS, qualityPlotsSchema),
      system: await readJson(system, ofSystem, PLOTS, systemPlotsSchema),
    };
    // measured by workers that are older than plots
    const isWithout = data.quality === null && data.system === null;
    return {
      measurements,
      profile: profile === null ? null : await put(profile),
      plots: isWithout ? null : { digest: await put(data), data },
      nonce: nonce ?? mintNonce(),
    };
  });
}

/** A file that an activity staged; null where it staged none of that name. */
async function readStaged(
  { files }: Staged,
  directory: string,
  file: string,
): Promise<string | null> {
  if (!files.some(({ path }) => path === file)) return null;
  return readFile(join(directory, file), 'utf8');
}

async function readJson<T>(
  staged: Staged,
  directory: string,
  file: string,
  schema: z.ZodType<T>,
): Promise<T | null> {
  const text = await readStaged(staged, directory, file);
  return text === null ? null : schema.parse(JSON.parse(text));
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
