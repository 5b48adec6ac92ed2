import type { JournalHead } from './journal-head.js';
import type { JournalLine } from './journal.js';
import { shortDigest } from './names.js';
import { lineSealFault, type LineToSeal } from './signing/line-seal.js';
import type { RefusalCode } from './signing/refusal.js';
import { keysOf, type Trust } from './signing/trust.js';
import { verifyDecision } from './signing/verify-decision.js';
import { signedRequest, verifyStart } from './signing/verify-start.js';
import { isVerified } from './signing/verify-statement.js';

/** One line of a journal as it lies there. */
export interface JournalLink {
  readonly run: string;
  readonly line: number;
  /** Of its bytes. */
  readonly digest: string;
  /** Null where its bytes are no line. */
  readonly value: JournalLine | null;
  /** What its writer seals of it. */
  readonly toSeal: Pick<LineToSeal, 'chain' | 'digest'>;
}

/** What is wrong with one line. */
export interface JournalProblem {
  readonly kind: 'missing' | 'changed' | 'foreign' | 'reference';
  readonly run: string;
  readonly line: number;
  /** Goes on after the object's name. */
  readonly sentence: string;
}

/** A line that a state of `live.json` vouches for. */
export interface JournalAnchor extends JournalHead {
  /** Whether that is the first promotion that a witness sealed, or one before it: lines could be without seals by then. */
  readonly isOld: boolean;
}

export interface JournalGiven {
  /** Every line of one model. */
  readonly links: readonly JournalLink[];
  /** Lines that a state of `live.json` vouches for. */
  readonly anchors: readonly JournalAnchor[];
  /** Lines that somebody has kept elsewhere. */
  readonly heads: readonly JournalHead[];
  /** By whose keys lines are sealed and decisions are signed; null: by nobody's. */
  readonly trust: Trust | null;
  /** Every trust file that there was, by digest. */
  readonly trusted: ReadonlySet<string>;
  /** Whether a witness sealed any promotion. */
  readonly isSealed: boolean;
}

type Say = (kind: JournalProblem['kind'], sentence: string) => JournalProblem;

/**
 * What is wrong with the journals of a model: each line holds the digest of the one before, up to the newest, for which its seal vouches,
 * and a later promotion, or a head that was kept elsewhere.
 */
export function journalProblems(given: JournalGiven): readonly JournalProblem[] {
  const byDigest = new Map(given.links.map((link) => [link.digest, link]));
  const problems = [...grouped(given.links)].flatMap(([run, links]) => {
    const chain = chainOf(run, links, given);
    return [
      ...linkProblems(chain, byDigest),
      ...chain.links.flatMap((link) => lineProblems(link, chain, given)),
    ];
  });
  return [...problems, ...headProblems(given)];
}

/** The journal of one run. */
interface Chain {
  /** By their number. */
  readonly links: readonly JournalLink[];
  /** The line that tells its end; infinite: none does. */
  readonly endsAt: number;
  /** Whether it came further than its start. */
  readonly hasProgress: boolean;
  /** Up to which line something else vouches for it, and a state that is old. */
  readonly vouchedTo: number;
  readonly oldTo: number;
}

function chainOf(run: string, links: readonly JournalLink[], given: JournalGiven): Chain {
  const most = (heads: readonly JournalHead[]) =>
    Math.max(0, ...heads.filter((head) => head.run === run).map(({ line }) => line));
  const end = links.find(({ value }) => value?.entry.kind === 'ended');
  return {
    links: links.toSorted((one, other) => one.line - other.line),
    endsAt: end?.line ?? Number.POSITIVE_INFINITY,
    hasProgress: links.some(isProgress),
    vouchedTo: most([...given.anchors, ...given.heads]),
    oldTo: most(given.anchors.filter(({ isOld }) => isOld)),
  };
}

function grouped(links: readonly JournalLink[]): ReadonlyMap<string, readonly JournalLink[]> {
  const groups = new Map<string, JournalLink[]>();
  for (const link of links) {
    const own = groups.get(link.run);
    if (own === undefined) groups.set(link.run, [link]);
    else own.push(link);
  }
  return groups;
}

/** From line to line, and from a run's first line to that after which a reset began it. */
function linkProblems(
  { links }: Chain,
  byDigest: ReadonlyMap<string, JournalLink>,
): readonly JournalProblem[] {
  return links.flatMap((link, index): JournalProblem[] => {
    const { run, line, value } = link;
    const before = links[index - 1];
    if (before?.line === line - 1) return changedBefore(before, link);
    const resetAt = byDigest.get(value?.previous ?? '');
    const isReset = resetAt?.line === line - 1 && resetAt.value?.workflowId === value?.workflowId;
    const isFirst = line === 1 && (value === null || value.previous === null);
    if (isFirst || (before === undefined && isReset)) return [];
    if (line === 1) {
      return [{ kind: 'changed', run, line, sentence: 'is a first line, and names one before it' }];
    }
    const others = line - 1 - (before?.line ?? 0) - 1;
    const nor = others === 0 ? '' : `, nor are ${others} before it`;
    const sentence = `is not there${nor}, though line ${line} is: dropped`;
    return [{ kind: 'missing', run, line: line - 1, sentence }];
  });
}

function changedBefore(before: JournalLink, { value }: JournalLink): JournalProblem[] {
  if (value === null || value.previous === before.digest) return [];
  const must = value.previous === null ? 'none' : shortDigest(value.previous);
  const sentence = `has sha256 ${shortDigest(before.digest)}, the line after it says ${must}: it was changed`;
  return [{ kind: 'changed', run: before.run, line: before.line, sentence }];
}

/** What a line says of itself. */
function lineProblems(
  link: JournalLink,
  chain: Chain,
  given: JournalGiven,
): readonly JournalProblem[] {
  const { run, line, value } = link;
  if (value === null) return [];
  const say: Say = (kind, sentence) => ({ kind, run, line, sentence });
  if (value.run !== run || value.line !== line) {
    return [say('foreign', `says that it is line ${value.line} of the run ${value.run}`)];
  }
  const { kind } = value.entry;
  return [
    ...(line > chain.endsAt ? [say('foreign', 'comes after the end of its lifecycle')] : []),
    ...((kind === 'started') === (line === 1)
      ? []
      : [say('foreign', line === 1 ? 'does not tell the start' : 'tells another start')]),
    ...sealProblems({ ...link, value }, chain, given, say),
    ...(value.trust === null || given.trusted.has(value.trust)
      ? []
      : [say('reference', `names the trust file ${shortDigest(value.trust)}, which is not there`)]),
    ...statementProblems(value, chain, given.trust, say),
  ];
}

/** What no witness sealed counts where there was none yet: nothing of `live.json` is sealed, or an old state vouches for it. */
function sealProblems(
  { line, toSeal, value }: JournalLink & { readonly value: JournalLine },
  { vouchedTo, oldTo }: Chain,
  { trust, isSealed }: JournalGiven,
  say: Say,
): readonly JournalProblem[] {
  if (trust === null || trust.witnesses.length === 0) return [];
  if (value.seal === null && (!isSealed || line <= oldTo)) return [];
  const sealed = { ...toSeal, line, at: value.at };
  const fault = lineSealFault(value.seal, sealed, trust, { isVouched: line <= vouchedTo });
  return fault === null ? [] : [say('changed', `is not sealed: ${fault}`)];
}

/** Whether people signed what it says of them, by the keys that were good then. */
function statementProblems(
  value: JournalLine,
  { hasProgress }: Chain,
  trust: Trust | null,
  say: Say,
): JournalProblem[] {
  const { entry, workflowId: wid, model } = value;
  if (trust === null || value.trust === null) return [];
  const { environment } = trust;
  if (entry.kind === 'started') {
    const signed = signedRequest(entry.request);
    // a start whose signature does not hold is refused before anything comes of it
    if (signed === null || !hasProgress) return [];
    const given = { environment, keys: keysOf(trust), acceptedMs: null, mayBeLate: true, wid };
    const result = verifyStart(signed, given);
    return 'person' in result ? [] : [say('reference', `is no signed start: ${result.sentence}`)];
  }
  if (entry.kind !== 'decided') return [];
  const { decision } = entry;
  // who had which role then, its desk knew
  const keys = keysOf(trust).map((key) => ({ ...key, roles: [...key.roles, decision.role] }));
  const acceptedMs = Date.parse(decision.at);
  const result = verifyDecision(decision, { environment, keys, acceptedMs, about: { wid, model } });
  return isVerified(result) || BEFORE.has(result.code)
    ? []
    : [say('reference', `is no signed decision: ${result.sentence}`)];
}

/** Its desk goes by the trust file of when the evidence was made; what counts no more by the newer one comes to nothing. */
const BEFORE: ReadonlySet<RefusalCode> = new Set([
  ...(['retired-key', 'compromised-key', 'unsigned'] as const),
]);

/** What a lifecycle comes to whose start held. */
function isProgress({ value }: JournalLink): boolean {
  const entry = value?.entry;
  if (entry?.kind === 'ended') return entry.outcome !== 'failed' && entry.outcome !== 'cancelled';
  return entry?.kind === 'decided';
}

/** What is vouched for must be there as it was. */
function headProblems({ links, anchors, heads }: JournalGiven): readonly JournalProblem[] {
  const places = new Map(links.map((link) => [`${link.run}/${link.line}`, link]));
  return [...anchors, ...heads].flatMap(({ run, line, digest }): JournalProblem[] => {
    const link = places.get(`${run}/${line}`);
    if (link === undefined) {
      const by = anchors.some((each) => each.digest === digest) ? 'live.json' : 'its head';
      return [{ kind: 'missing', run, line, sentence: `is not there: ${by} vouches for it` }];
    }
    if (link.digest === digest) return [];
    const [is, must] = [shortDigest(link.digest), shortDigest(digest)];
    const sentence = `has sha256 ${is}, what vouches for it says ${must}: it was changed`;
    return [{ kind: 'changed', run, line, sentence }];
  });
}

/** The newest line of each journal for which no state of `live.json` vouches. */
export function looseHeads(
  links: readonly JournalLink[],
  anchors: readonly JournalHead[],
): readonly JournalHead[] {
  const newest = new Map<string, JournalLink>();
  for (const link of links) {
    if (link.line > (newest.get(link.run)?.line ?? 0)) newest.set(link.run, link);
  }
  const vouchedTo = new Map<string, number>();
  for (const { run, line } of anchors) {
    vouchedTo.set(run, Math.max(line, vouchedTo.get(run) ?? 0));
  }
  return [...newest.values()]
    .filter(({ run, line }) => line > (vouchedTo.get(run) ?? 0))
    .map(({ run, line, digest }) => ({ run, line, digest }));
}
