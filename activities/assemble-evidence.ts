import { cpus } from 'node:os';
import { canonicalJson } from '../domain/digest.js';
import type { Evidence, TestReport } from '../domain/evidence.js';
import { findingsOf, gateOwner, type GateResult } from '../domain/gate.js';
import type { Candidate, Signing, SnapshotRef, Staged, Tested } from '../domain/lifecycle.js';
import type { ReferenceProfile } from '../domain/monitor/reference-profile.js';
import type { Registry } from '../domain/ports/registry.js';
import type { TrustSource } from '../domain/ports/trust.js';
import type { PlotData } from '../domain/report/plot-data.js';
import { policyOfRoles, withoutSpares, type ApprovalPolicy } from '../domain/signing/policy.js';
import { leastOf, signingKeysOf, type Least, type Trust } from '../domain/signing/trust.js';
import type { SignedRequest } from '../domain/signing/verify-start.js';
import type { ModelSpec } from '../domain/spec.js';
import { judgeVariants } from './judge-variants.js';
import { fetchTests } from './staged-tests.js';
import { storePage } from './store-page.js';

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
  const tests = await fetchTests(ports, input);
  const { goesOn, twin } = judgeVariants(input, tests);
  const { measurements, results, verdict } = goesOn;
  const put = (document: ReferenceProfile | PlotData) =>
    ports.registry.putEvidence(spec.model, candidate.digest, document);
  const { profile, plots } = goesOn;
  const report: TestReport = {
    schemaVersion: 1,
    model: spec.model,
    manifest: candidate.digest,
    artifact: goesOn.artifact,
    baseline,
    heldOut: input.heldOut.digest,
    ...(profile !== null && { profile: await put(profile) }),
    ...(plots !== null && { plots: await put(plots) }),
    ...{ measurements, results, verdict },
    findings: [...findingsOf(results, measurements)],
    ...(twin !== null && { twin }),
    machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`,
  };
  const testReport = await ports.registry.putEvidence(spec.model, candidate.digest, report);
  const roles = [...rolesAsked(spec, results)];
  const page = await storePage(ports.registry, {
    ...input,
    ...{ report, plots, roles },
  });
  const policy = policyFor(input, roles, await ports.trust.read());
  const { nonce } = tests;
  const evidence = evidenceOf(input, {
    ...{ artifact: report.artifact, testReport, page, roles, nonce },
    policy: written(policy),
  });
  const signing = await signingOf(ports.trust, nonce);
  return {
    verdict: report.verdict,
    evidence: await ports.registry.putEvidence(spec.model, candidate.digest, evidence),
    ...{ testReport, page, baseline, roles, policy },
    ...(signing !== null && { signing }),
    table: results.map(({ gate, verdict, reason, value }) => ({ gate, verdict, reason, value })),
    findings: report.findings.map((each) => ({ ...each, inputs: each.inputs.slice(0, CARRIED) })),
    ...(report.artifact !== candidate.artifact && { artifact: report.artifact }),
    ...(twin !== null && { twin: twin.reason }),
  };
}

function evidenceOf(
  { spec, candidate, baseline, run, start }: AssembleInput,
  made: Pick<Evidence, 'artifact' | 'testReport' | 'page' | 'roles' | 'policy' | 'nonce'>,
): Evidence {
  return {
    schemaVersion: 1,
    model: spec.model,
    lifecycle: run,
    manifest: candidate.digest,
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
