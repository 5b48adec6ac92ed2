import {
  liveStateSchema,
  previousOf,
  type LiveState,
  type ServedVersion,
} from '../../../domain/live-state.js';
import { proofFaults } from '../../../domain/served-proof.js';
import { shortDigest } from '../../../domain/names.js';
import type { Trust } from '../../../domain/signing/trust.js';
import type { ListedObject } from '../../../domain/ports/object-store.js';
import { evidenceKey, liveKey, manifestKey, replicasPrefix } from '../keys.js';
import { REPLICA_LIVE_MS, replicaFileSchema } from '../replicas.js';
import type { Audit } from './audit.js';
import type { AuditedDocuments } from './audit-documents.js';
import type { AuditedVersions } from './audit-versions.js';

/** A replica that opens a version has this long. */
const REPLICA_PATIENCE_MS = 60_000;

interface Around {
  readonly model: string;
  readonly objects: readonly ListedObject[];
  readonly versions: AuditedVersions;
  readonly documents: AuditedDocuments;
  readonly now: Date;
  readonly trust: Trust | null;
}

/** Holds `live.json` against the versions, evidence and decisions that it names, and against what replicas say of it. */
export async function auditPointer(audit: Audit, around: Around): Promise<void> {
  const key = liveKey(around.model);
  const isThere = around.objects.some((object) => object.key === key);
  const live = isThere ? await audit.json(key, liveStateSchema) : null;
  if (isThere) audit.counts.others += 1;
  if (live !== null) {
    for (const fault of stateFaults(live, around)) audit.note('pointer', key, fault);
  }
  await auditReplicas(audit, around, { live, isThere });
}

function stateFaults(live: LiveState, around: Around): readonly string[] {
  const [first] = live.served;
  const previous = previousOf(live);
  return [
    ...(live.model === around.model ? [] : [`is the live state of the model "${live.model}"`]),
    ...(live.live !== null && live.withdrawn.includes(live.live)
      ? [`names ${shortDigest(live.live)}, which a fallback withdrew: it must never serve again`]
      : []),
    ...(live.live !== null && first?.digest !== live.live
      ? [`names ${shortDigest(live.live)}, which is not the first of what it remembers`]
      : []),
    ...live.served.flatMap((served) => {
      const role =
        served === first && served.digest === live.live
          ? 'live'
          : served === previous
            ? 'the previous one'
            : 'remembered';
      return servedFaults(served, around).map((fault) => `${fault} (it is ${role})`);
    }),
  ];
}

function servedFaults(
  served: ServedVersion,
  { model, versions, documents, trust }: Around,
): readonly string[] {
  const { version, digest, artifact } = served;
  const registered = versions.whole.get(version);
  if (registered === undefined) {
    return [`names version ${version}, but ${manifestKey(model, version)} makes no whole version`];
  }
  if (registered.digest !== digest) {
    const is = shortDigest(registered.digest);
    return [`says that version ${version} is ${shortDigest(digest)}, it is ${is}`];
  }
  const place = `${digest}/${served.evidence}`;
  const evidence = documents.evidence.get(place) ?? null;
  const report =
    evidence === null ? undefined : documents.reports.get(`${digest}/${evidence.testReport}`);
  return [
    ...(registered.manifest.artifacts.includes(artifact)
      ? []
      : [`serves ${artifact} of version ${version}, which is no artifact of it`]),
    ...proofFaults(served, evidence, trust).map(
      (fault) =>
        `does not prove version ${version}: ${fault} (${evidenceKey(model, digest, served.evidence)})`,
    ),
    ...(report !== undefined && report.artifact !== artifact
      ? [`serves ${artifact} of version ${version}, its test report is about ${report.artifact}`]
      : []),
    ...(report?.verdict === 'failed' ? [`names version ${version}, whose gates failed`] : []),
  ];
}

async function auditReplicas(
  audit: Audit,
  { model, objects, now }: Around,
  { live, isThere }: { live: LiveState | null; isThere: boolean },
): Promise<void> {
  const prefix = replicasPrefix(model);
  const generation = live?.generation ?? 0;
  for (const { key, modifiedAt } of objects.filter((object) => object.key.startsWith(prefix))) {
    const report = await audit.json(key, replicaFileSchema);
    if (report === null) continue;
    audit.counts.others += 1;
    if (`${prefix}${report.replica}.json` !== key) {
      audit.note('foreign', key, `is the report of the replica "${report.replica}"`);
    }
    if (isThere && live === null) continue; // that it cannot be read is told
    if (report.generation > generation) {
      audit.note(
        'pointer',
        liveKey(model),
        `has generation ${generation}, but the replica ${report.replica} saw ${report.generation}: it went back`,
      );
    }
    const isFresh = now.getTime() - modifiedAt.getTime() < REPLICA_LIVE_MS;
    const isSettled =
      live !== null && now.getTime() - Date.parse(live.updatedAt) > REPLICA_PATIENCE_MS;
    const serves = report.digest === null ? 'nothing' : shortDigest(report.digest);
    if (isFresh && isSettled && live.live !== null && report.digest !== live.live) {
      const why = report.problem === null ? '' : `: ${report.problem}`;
      audit.note(
        'pointer',
        key,
        `serves ${serves}, live.json says ${shortDigest(live.live)}${why}`,
      );
    }
  }
}
