import { previousOf, type LiveState } from './live-state.js';
import { shortDigest } from './names.js';
import { directFault, forgottenBy, sealOf } from './signing/seal.js';
import type { Trust } from './signing/trust.js';

/** One state of `live.json`: what it is now, or what it was in a generation. */
export interface ChainLink {
  readonly generation: number;
  /** Of its bytes. */
  readonly digest: string;
  /** Null where its bytes are no state. */
  readonly state: LiveState | null;
  /** Digest of what its writer seals of it. */
  readonly toSeal: string;
}

/** What is wrong with one state of the chain. */
export interface ChainProblem {
  readonly kind: 'missing' | 'changed' | 'foreign' | 'pointer';
  readonly generation: number;
  /** Goes on after the object's name. */
  readonly sentence: string;
}

/** A state that somebody has kept elsewhere: what came before it can be changed no more without being seen. */
export interface ChainHead {
  readonly generation: number;
  readonly digest: string;
}

export interface ChainGiven {
  /** What lies in the chain, by generation, ascending. */
  readonly lines: readonly ChainLink[];
  /** What `live.json` holds; null: it is not there. */
  readonly live: ChainLink | null;
  /** By whose keys states are sealed; null: they are not. */
  readonly trust: Trust | null;
  /** States that were kept elsewhere. */
  readonly heads: readonly ChainHead[];
}

/**
 * What is wrong with the states that `live.json` has had: each holds the digest of the one before, up to the one that is live, which
 * only a seal or a head that was kept elsewhere vouches for.
 */
export function chainProblems(given: ChainGiven): readonly ChainProblem[] {
  const { lines, live } = given;
  if (live === null) {
    const last = lines.at(-1);
    const sentence = `is not there, though the chain has generation ${last?.generation ?? 0}`;
    const gone = last && { kind: 'missing' as const, generation: last.generation + 1, sentence };
    return [...(gone ? [gone] : []), ...headProblems(given)];
  }
  const before = lines.filter(({ generation }) => generation < live.generation);
  return [
    ...linkProblems([...before, live]),
    ...notYet(lines, live),
    ...sealProblems([...before, live], given.trust),
    ...stepProblems([...before, live]),
    ...headProblems(given),
  ];
}

/** From the newest down: what each says of the one before it. What was changed itself is believed nothing. */
function linkProblems(links: readonly ChainLink[]): readonly ChainProblem[] {
  const problems: ChainProblem[] = [];
  let isBelieved = true;
  for (let index = links.length - 1; index >= 0; index -= 1) {
    const after = links[index];
    const before = links[index - 1] ?? null;
    if (after === undefined) break;
    const said: string | null | undefined = isBelieved ? previousSaidBy(after) : undefined;
    if (said === null) return [...problems, ...beforeTheFirst(links.slice(0, index), after)];
    const isNext = before?.generation === after.generation - 1;
    const problem: ChainProblem | null = isNext ? changed(before, said) : dropped(before, after);
    if (problem !== null) problems.push(problem);
    isBelieved = problem === null || !isNext;
  }
  return problems;
}

/** Older than chains, or the very first: there is nothing before it. */
function beforeTheFirst(links: readonly ChainLink[], first: ChainLink): readonly ChainProblem[] {
  const sentence = `is before the first state of the chain, generation ${first.generation}`;
  return links.map(({ generation }) => ({ kind: 'foreign' as const, generation, sentence }));
}

function changed({ generation, digest }: ChainLink, said: string | undefined): ChainProblem | null {
  if (said === undefined || digest === said) return null;
  const [is, must] = [shortDigest(digest), shortDigest(said)];
  const sentence = `has sha256 ${is}, the generation after it says ${must}: it was changed`;
  return { kind: 'changed', generation, sentence };
}

function dropped(before: ChainLink | null, after: ChainLink): ChainProblem | null {
  const generation = after.generation - 1;
  const others = generation - (before?.generation ?? 0) - 1;
  if (generation < 1) return null;
  const nor = others === 0 ? '' : `, nor are ${others} before it`;
  const sentence = `is not there${nor}, though generation ${after.generation} is: dropped`;
  return { kind: 'missing', generation, sentence };
}

/** Null: it says that it is the first; undefined: it cannot be read. */
function previousSaidBy({ state }: ChainLink): string | null | undefined {
  return state === null ? undefined : (state.audit?.previous ?? null);
}

/** What the chain has that `live.json` has not come to. */
function notYet(lines: readonly ChainLink[], live: ChainLink): readonly ChainProblem[] {
  return lines.flatMap((line): ChainProblem[] => {
    const { generation } = line;
    if (generation < live.generation) return [];
    if (generation > live.generation) {
      const sentence = `is of a generation after that of live.json, ${live.generation}: live.json was put back, or this was made up`;
      return [{ kind: 'foreign', generation, sentence }];
    }
    // its writer was about to write over it
    if (line.digest === live.digest) return [];
    const sentence = `is another generation ${generation} than live.json is`;
    return [{ kind: 'changed', generation, sentence }];
  });
}

/** From the first that a witness sealed on all are: before it, the installation had none yet. */
function sealProblems(links: readonly ChainLink[], trust: Trust | null): readonly ChainProblem[] {
  if (trust === null || trust.witnesses.length === 0) return [];
  const newest = links.at(-1);
  const isByWitness = ({ state, toSeal }: ChainLink) => {
    const by = state && sealOf({ state, toSeal }, trust, { isNewest: false });
    return by !== null && 'person' in by && by.person === null;
  };
  const first = links.findIndex(isByWitness);
  const sealed = first === -1 ? links.slice(-1) : links.slice(first);
  return sealed.flatMap(({ generation, state, toSeal }) => {
    if (state === null) return [];
    const by = sealOf({ state, toSeal }, trust, { isNewest: generation === newest?.generation });
    const before = links.find((link) => link.generation === generation - 1)?.state ?? null;
    const fault =
      'code' in by
        ? by.sentence
        : by.person === null || before === null
          ? null
          : directFault(before, state, by.person);
    if (fault === null) return [];
    return [{ kind: 'changed' as const, generation, sentence: `is not sealed: ${fault}` }];
  });
}

/** Steps that no change of `live.json` makes. */
function stepProblems(links: readonly ChainLink[]): readonly ChainProblem[] {
  return links.flatMap(({ generation, state }, index): ChainProblem[] => {
    const before = links[index - 1];
    if (state === null) return [];
    if (state.generation !== generation) {
      const sentence = `says that it is generation ${state.generation}`;
      return [{ kind: 'changed', generation, sentence }];
    }
    const isNext = before?.state != null && before.generation === generation - 1;
    const fault = isNext ? stepFault(before.state, state) : null;
    return fault === null ? [] : [{ kind: 'pointer', generation, sentence: fault }];
  });
}

function stepFault(before: LiveState, after: LiveState): string | null {
  const forgotten = forgottenBy(before, after);
  if (forgotten !== null) return forgotten;
  switch (after.made?.kind) {
    case 'promoted': {
      const { live } = after;
      if (before.frozen !== null) return 'promotes a version while the model was frozen';
      if (live === null || after.served[0]?.digest !== live) return 'promotes nothing';
      return before.withdrawn.includes(live)
        ? `promotes ${shortDigest(live)}, which was withdrawn`
        : null;
    }
    case 'fallen-back': {
      const to = previousOf(before)?.digest ?? null;
      const left = before.live;
      const isRight = after.live === to && left !== null && after.withdrawn.includes(left);
      return isRight ? null : 'falls back to another version than the one before';
    }
    case 'frozen':
    case 'thawed':
      return after.live === before.live ? null : 'serves something else after a freeze or a thaw';
    default:
      return null; // an undo, or older than it was noted
  }
}

/** What was kept elsewhere must still be there: else a tail was cut, or all of it was made anew. */
function headProblems({ lines, live, heads }: ChainGiven): readonly ChainProblem[] {
  const links = [...lines, ...(live === null ? [] : [live])];
  return heads.flatMap(({ generation, digest }) => {
    const there = links.filter((link) => link.generation === generation);
    if (there.some((link) => link.digest === digest)) return [];
    const kept = `the head that was kept, ${shortDigest(digest)}`;
    const sentence =
      there.length === 0
        ? `is not there, and was ${kept}: a tail was cut`
        : `is another one than ${kept}: the chain was made anew`;
    return [{ kind: 'missing' as const, generation, sentence }];
  });
}
