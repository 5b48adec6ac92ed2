import { chainProblems, type ChainHead, type ChainLink } from '../../../domain/audit-chain.js';
import { digestOfBytes } from '../../../domain/digest.js';
import type { JournalAnchor } from '../../../domain/journal-problems.js';
import { liveStateSchema, type LiveState } from '../../../domain/live-state.js';
import { pastFaults } from '../../../domain/served-proof.js';
import type { ListedObject } from '../../../domain/ports/object-store.js';
import { verifyOrder } from '../../../domain/signing/order.js';
import { keysOf, type Trust } from '../../../domain/signing/trust.js';
import { isVerified } from '../../../domain/signing/verify-statement.js';
import { toSealOf } from '../live-pointer-file.js';
import { isUnreadable, parseStored } from '../stored-json.js';
import { auditKey, auditPrefix, liveKey, parseAuditKey } from '../keys.js';
import type { AuditedDocuments } from './audit-documents.js';
import type { AuditedVersions } from './audit-versions.js';
import type { Audit } from './audit.js';

interface Around {
  readonly model: string;
  readonly objects: readonly ListedObject[];
  readonly versions: AuditedVersions;
  readonly documents: AuditedDocuments;
  readonly trust: Trust | null;
  /** States that were kept elsewhere. */
  readonly heads: readonly ChainHead[];
}

/** What the states of a chain are good for. */
interface Vouching {
  /** The newest of them; null where there is none. */
  readonly head: ChainHead | null;
  /** The lines of journals that they name. */
  readonly anchors: readonly JournalAnchor[];
  /** Whether any promotion among them is sealed. */
  readonly isSealed: boolean;
}

/** Holds all that `live.json` ever was against what came after it, up to what it is. */
export async function auditChain(audit: Audit, around: Around): Promise<Vouching> {
  const { model, objects, trust, heads } = around;
  const live = await liveLink(audit, model);
  const generations = new Set<number>();
  for (const { key } of objects.filter((each) => each.key.startsWith(auditPrefix(model)))) {
    const generation = parseAuditKey(model, key);
    if (generation === null) audit.note('foreign', key, 'is of no generation of live.json');
    else generations.add(generation);
  }
  // what was written since the listing
  for (let next = (live?.generation ?? 1) - 1; next >= 1 && !generations.has(next); next -= 1) {
    if ((await audit.store.get(auditKey(model, next))) === null) break;
    generations.add(next);
  }
  const lines: ChainLink[] = [];
  for (const generation of [...generations].sort((one, other) => one - other)) {
    const bytes = await audit.bytes(auditKey(model, generation));
    audit.counts.others += 1;
    if (bytes === null) continue;
    const state = audit.parsed(auditKey(model, generation), bytes, liveStateSchema);
    const toSeal = state === null ? '' : toSealOf(bytes);
    lines.push({ generation, digest: digestOfBytes(bytes), state, toSeal });
  }
  for (const { kind, generation, sentence } of chainProblems({ lines, live, trust, heads })) {
    const last = lines.at(-1)?.generation ?? 0;
    const isLive = live === null ? generation > last : generation === live.generation;
    audit.note(kind, isLive ? liveKey(model) : auditKey(model, generation), sentence);
  }
  const all = [...lines, ...(live === null ? [] : [live])];
  all.forEach((line, index) => {
    const key = line === live ? liveKey(model) : auditKey(model, line.generation);
    const before = all[index - 1]?.state ?? null;
    auditPromotion(audit, around, { line, before, key });
    auditOrder(audit, around, { line, before, key });
  });
  const sealed = all.find(({ state }) => state?.made?.kind === 'promoted' && state.seal !== null);
  const sealedFrom = sealed?.generation ?? Number.POSITIVE_INFINITY;
  return {
    head: live && { generation: live.generation, digest: live.digest },
    anchors: all.flatMap(({ state, generation }) =>
      (state?.journals ?? []).map((head) => ({ ...head, isOld: generation <= sealedFrom })),
    ),
    isSealed: Number.isFinite(sealedFrom),
  };
}

/** What is live now, as far as it can be read: what is wrong with it alone is found elsewhere. */
async function liveLink(audit: Audit, model: string): Promise<ChainLink | null> {
  const stored = await audit.store.get(liveKey(model));
  if (stored === null) return null;
  const digest = digestOfBytes(stored.bytes);
  try {
    const state = parseStored(liveKey(model), stored.bytes, liveStateSchema);
    return { generation: state.generation, digest, state, toSeal: toSealOf(stored.bytes) };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return null;
  }
}

/** A fallback that somebody signed must be what he signed. */
function auditOrder(
  audit: Audit,
  { trust }: Around,
  given: { readonly line: ChainLink; readonly before: LiveState | null; readonly key: string },
): void {
  const { before, key } = given;
  const { made = null, updatedAt = '', generation } = given.line.state ?? {};
  const isNext = before?.generation === (generation ?? 0) - 1;
  if (trust === null || made?.signature === undefined || !isNext || before.live === null) return;
  const { by, reason, signature } = made;
  const ordered = { order: 'fallback', target: before.live, role: null } as const;
  const verified = verifyOrder(
    { ...ordered, by: by ?? '', reason: reason ?? '', signature },
    {
      ...{ environment: trust.environment, keys: keysOf(trust) },
      ...{ acceptedMs: Date.parse(updatedAt), mayBeLate: true },
    },
  );
  if (isVerified(verified)) return;
  audit.note('pointer', key, `was not ordered as it says: ${verified.sentence}`);
}

/** What an earlier state promoted must have been approved as well as what is live. */
function auditPromotion(
  audit: Audit,
  { versions, documents, trust }: Around,
  given: { readonly line: ChainLink; readonly before: LiveState | null; readonly key: string },
): void {
  const { before, key } = given;
  const { generation, state } = given.line;
  const [served] = state?.served ?? [];
  if (state?.made?.kind !== 'promoted' || served === undefined) return;
  if (versions.whole.get(served.version)?.digest !== served.digest) return; // swept since, its evidence with it
  const evidence = documents.evidence.get(`${served.digest}/${served.evidence}`) ?? null;
  for (const fault of pastFaults(served, evidence, trust)) {
    audit.note('pointer', key, `does not prove its promotion: ${fault}`);
  }
  const isNext = before?.generation === generation - 1;
  if (evidence !== null && isNext && evidence.baseline !== before.live) {
    const sentence = 'promotes a version that was compared with another one than it replaced';
    audit.note('pointer', key, sentence);
  }
}
