import { z } from 'zod';
import { digestOfBytes, digestOfJson } from '../../../domain/digest.js';
import type { JournalHead } from '../../../domain/journal-head.js';
import {
  journalProblems,
  looseHeads,
  type JournalAnchor,
  type JournalLink,
} from '../../../domain/journal-problems.js';
import { journalLineSchema, trustLineSchema, type TrustLine } from '../../../domain/journal.js';
import { shortDigest } from '../../../domain/names.js';
import type { ListedObject } from '../../../domain/ports/object-store.js';
import { lineSealFault } from '../../../domain/signing/line-seal.js';
import type { Trust } from '../../../domain/signing/trust.js';
import {
  journalChain,
  journalKey,
  journalPrefix,
  parseJournalKey,
  parseTrustKey,
  trustKey,
  trustPrefix,
} from '../keys.js';
import { toSealOf } from '../live-pointer-file.js';
import type { Audit } from './audit.js';

/** Holds every line of a model's journals against its chain, its seal and what people signed; resolves to the heads that are loose. */
export async function auditJournals(
  audit: Audit,
  given: {
    readonly model: string;
    readonly objects: readonly ListedObject[];
    readonly trust: Trust | null;
    readonly trusted: ReadonlySet<string>;
    /** Lines for which states of `live.json` vouch, and whether any state is sealed. */
    readonly anchors: readonly JournalAnchor[];
    readonly isSealed: boolean;
    /** Lines that were kept elsewhere. */
    readonly heads: readonly JournalHead[];
  },
): Promise<readonly JournalHead[]> {
  const { model, objects, anchors } = given;
  const links: JournalLink[] = [];
  const listed = new Map<string, number>();
  for (const { key } of objects.filter((each) => each.key.startsWith(journalPrefix(model)))) {
    const place = parseJournalKey(model, key);
    if (place === null) audit.note('foreign', key, 'is no line of a run’s journal');
    else {
      listed.set(place.run, Math.max(place.line, listed.get(place.run) ?? 0));
      links.push(...(await linkOf(audit, { ...place, model })));
    }
  }
  // what was written since the listing
  for (const { run, line } of anchors) {
    for (let next = (listed.get(run) ?? 0) + 1; next <= line; next += 1) {
      if ((await audit.store.get(journalKey(model, run, next))) === null) break;
      listed.set(run, next);
      links.push(...(await linkOf(audit, { model, run, line: next })));
    }
  }
  for (const { kind, run, line, sentence } of journalProblems({ ...given, links })) {
    audit.note(kind, journalKey(model, run, line), sentence);
  }
  return looseHeads(links, anchors);
}

async function linkOf(
  audit: Audit,
  { model, run, line }: { model: string; run: string; line: number },
): Promise<readonly JournalLink[]> {
  const key = journalKey(model, run, line);
  audit.counts.others += 1;
  const bytes = await audit.bytes(key);
  if (bytes === null) return [];
  const value = audit.parsed(key, bytes, journalLineSchema);
  if (value !== null && value.model !== model) {
    audit.note('foreign', key, `is a line of the model "${value.model}"`);
  }
  const toSeal = { chain: journalChain(model, run), digest: value === null ? '' : toSealOf(bytes) };
  return [{ run, line, digest: digestOfBytes(bytes), value, toSeal }];
}

/** Holds all that the trust file ever was against its chain and its seals; resolves to the digests of those files. */
export async function auditTrustLines(
  audit: Audit,
  trust: Trust | null,
): Promise<ReadonlySet<string>> {
  const { objects } = await audit.store.list(trustPrefix());
  const lines = objects.flatMap(({ key }) => {
    const line = parseTrustKey(key);
    if (line === null) audit.note('foreign', key, 'is no line of the trust file’s chain');
    return line === null ? [] : [line];
  });
  const digests = new Set<string>();
  let hadWitness = false;
  let before: { readonly line: number; readonly digest: string } | null = null;
  for (const line of lines.sort((one, other) => one - other)) {
    const bytes = await audit.bytes(trustKey(line));
    audit.counts.others += 1;
    if (bytes === null) continue;
    const isNewest = line === lines.at(-1);
    const value = auditTrustLine(audit, {
      line,
      bytes,
      before,
      trust,
      ...{ isNewest, hadWitness },
    });
    if (value !== null) digests.add(value.digest);
    hadWitness ||= value !== null && value.trust.witnesses.length > 0;
    before = { line, digest: digestOfBytes(bytes) };
  }
  return digests;
}

/** What a line holds; null where that is no trust file. */
function auditTrustLine(
  audit: Audit,
  given: {
    readonly line: number;
    readonly bytes: Uint8Array;
    readonly before: { readonly line: number; readonly digest: string } | null;
    readonly trust: Trust | null;
    /** It is the newest, for which nothing else vouches. */
    readonly isNewest: boolean;
    /** There was a witness before it. */
    readonly hadWitness: boolean;
  },
): TrustLine | null {
  const { line, bytes, before, trust } = given;
  const key = trustKey(line);
  const value = audit.parsed(key, bytes, trustLineSchema);
  if ((before?.line ?? 0) < line - 1) {
    audit.note('missing', trustKey(line - 1), `is not there, though line ${line} is: dropped`);
  }
  if (value === null) return null;
  if (before?.line === line - 1 && value.previous !== before.digest) {
    const is = shortDigest(before.digest);
    audit.note('changed', trustKey(line - 1), `has sha256 ${is}, the line after it says another`);
  }
  if (value.line !== line) audit.note('foreign', key, `says that it is line ${value.line}`);
  // as it is stored: another build may know other fields of it
  const stored = z
    .looseObject({ trust: z.unknown() })
    .parse(JSON.parse(new TextDecoder().decode(bytes)));
  if (digestOfJson(stored.trust) !== value.digest) {
    audit.note('changed', key, 'holds another trust file than that of its digest');
  }
  const { at, seal } = value;
  const isSealed = trust !== null && trust.witnesses.length > 0;
  if (
    isSealed &&
    (seal !== null || (given.isNewest && given.hadWitness) || value.trust.witnesses.length > 0)
  ) {
    const sealed = { chain: trustPrefix(), line, at, digest: toSealOf(bytes) };
    const fault = lineSealFault(seal, sealed, trust, { isVouched: !given.isNewest });
    if (fault !== null) audit.note('changed', key, `is not sealed: ${fault}`);
  }
  return value;
}
