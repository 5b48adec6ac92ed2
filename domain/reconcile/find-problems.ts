import { liveVersionOf, previousOf, type LiveState, type ServedVersion } from '../live-state.js';
import { shortDigest } from '../names.js';
import type { Trust } from '../signing/trust.js';
import type { SweepItem } from '../sweep.js';
import type { Known, KnownModel, Suspect } from './known.js';
import type { Problem, ProblemKind, Remedy } from './problem.js';
import { proofFaults } from '../served-proof.js';

/** A replica that opens a version, or a workflow whose worker has died, has this long. */
const PATIENCE_MS = 60_000;
/** A write of `live.json` whose answer is on its way to `liveModel`. */
const WRITE_PATIENCE_MS = 10_000;

/** Whoever keeps the installation running. */
const OWNER = 'engineering';

/** What is wrong, and replicas to look at again. */
export interface Findings {
  readonly problems: readonly Problem[];
  readonly suspects: readonly Suspect[];
}

/** Everything that is half done by what is known. Pure: `known.now` is the time. */
export function findProblems(known: Known): Findings {
  const suspects = known.models.flatMap((model) => suspectsOf(model, known));
  return {
    problems: [
      ...known.models.flatMap((model) => problemsOf(model, known, suspects)),
      ...known.orphans.map(orphan),
    ],
    suspects,
  };
}

/** The part of a promotion's write id that its tries share: `<first run id>/promote/<12 hex>`; null for any other id. */
export function promotionOf(writeId: string | null): { run: string; promotion: string } | null {
  const parts = /^(([0-9a-f-]{36})\/promote\/[0-9a-f]{12})(?:\/\d+)?$/.exec(writeId ?? '');
  const [, promotion, run] = parts ?? [];
  return promotion === undefined || run === undefined ? null : { promotion, run };
}

function problemsOf(
  known: KnownModel,
  { now, trust }: Known,
  suspects: readonly Suspect[],
): readonly Problem[] {
  const { live, unreadable } = known;
  const unread = unreadable.map(({ key, sentence }) =>
    problem(known, 'unreadable', { what: key, sentence }),
  );
  if (live === null) return [...gone(known), ...unread];
  const served = liveVersionOf(live);
  return [
    ...halfDeploy(known, live, served),
    ...halfDeployBefore(known, live),
    ...incomplete(known, live, served),
    ...unproven(known, served, trust),
    ...pointerKnowledge(known, live, now),
    ...behind(known, live, suspects, now),
    ...unread,
  ];
}

/** A run that was cut off executes no code: what it promoted goes back to what its evidence was compared with. */
function halfDeploy(
  known: KnownModel,
  live: LiveState,
  served: ServedVersion | null,
): readonly Problem[] {
  const promotion = promotionOf(served?.promotion ?? null);
  if (served === null || promotion === null || known.promoter !== 'cut-off') return [];
  const what = `${live.model} version ${served.version}`;
  const cut = `${what} was promoted by the run ${promotion.run}, which was cut off before its deploy was done (terminated, timed out, or reset and ended earlier)`;
  if (known.evidence === null) {
    const sentence = `${cut}; its evidence cannot be read, so that nobody knows what was live before: type npx switchyard fallback ${live.model}`;
    return [problem(known, 'half-deploy', { what: promotion.promotion, sentence })];
  }
  const before = known.evidence.baseline;
  const sentence = `${cut}; before it ${before === null ? 'nothing' : shortDigest(before)} was live`;
  return [
    problem(known, 'half-deploy', {
      ...{ what: promotion.promotion, sentence },
      remedy: {
        ...{ do: 'undo-promotion', promoted: served.digest, before },
        ...{ promotion: promotion.promotion, generation: live.generation },
      },
    }),
  ];
}

/**
 * What a run that was cut off had promoted, and another has promoted over since: it serves no more, but a fallback would go to it.
 * Once it is forgotten, the next look asks about the one before.
 */
function halfDeployBefore(known: KnownModel, live: LiveState): readonly Problem[] {
  const previous = previousOf(live);
  const promotion = promotionOf(previous?.promotion ?? null);
  if (previous === null || promotion === null || known.previousPromoter !== 'cut-off') return [];
  const sentence = `a fallback of ${live.model} would go to version ${previous.version}, which the run ${promotion.run} promoted that was cut off before its deploy was done`;
  const older = live.served.slice(live.served.indexOf(previous) + 1);
  const before = older.find(({ digest }) => !live.withdrawn.includes(digest));
  return [
    problem(known, 'half-deploy', {
      ...{ what: promotion.promotion, sentence },
      remedy: {
        ...{ do: 'undo-promotion', promoted: previous.digest, before: before?.digest ?? null },
        ...{ promotion: promotion.promotion, generation: live.generation },
      },
    }),
  ];
}

function incomplete(
  known: KnownModel,
  live: LiveState,
  served: ServedVersion | null,
): readonly Problem[] {
  if (live.live === null) return [];
  const report = (sentence: string) =>
    problem(known, 'live-incomplete', { what: `${live.live ?? ''} ${sentence}`, sentence });
  if (served === null) {
    return [
      report(
        `live.json of ${live.model} names ${shortDigest(live.live)}, which it does not describe`,
      ),
    ];
  }
  const { version, digest } = served;
  const name = `version ${version} of ${live.model}, which live.json names,`;
  if (live.withdrawn.includes(live.live)) {
    return [report(`${name} was withdrawn by a fallback and must never serve`)];
  }
  // what could not be read is told as such
  if (known.version === null) return [];
  if (known.version.digest === null) return [report(`${name} has no manifest`)];
  if (known.version.digest !== digest) {
    const found = shortDigest(known.version.digest);
    return [report(`${name} is ${found} in the bucket, not ${shortDigest(digest)}`)];
  }
  return known.version.faults.map((fault) => report(`${name} is not whole: ${fault}`));
}

function unproven(
  known: KnownModel,
  served: ServedVersion | null,
  trust: Trust | null,
): readonly Problem[] {
  const isUnread = known.unreadable.some(({ key }) => key.includes('/evidence/'));
  if (served === null || (isUnread && known.evidence === null)) return [];
  return proofFaults(served, known.evidence, trust).map((sentence) =>
    problem(known, 'live-unproven', {
      what: `${served.digest} ${sentence}`,
      sentence: `${known.model}: ${sentence}`,
    }),
  );
}

/** Somebody removed it: whatever is written next begins at generation 1, which nobody follows who saw more. */
function gone(known: KnownModel): readonly Problem[] {
  const { model, knownGeneration: seen, unreadable } = known;
  if (typeof seen !== 'number' || seen === 0 || unreadable.length > 0) return [];
  const sentence = `live.json of ${model} is gone, but live/${model} saw generation ${seen}: somebody removed it; restore it from a copy`;
  return [problem(known, 'live-went-back', { what: `${seen} to nothing`, sentence })];
}

/** Whether `liveModel` knows what `live.json` says: a fallback past it, or a lost database, lets it fall behind. */
function pointerKnowledge(known: KnownModel, live: LiveState, now: Date): readonly Problem[] {
  const { model, knownGeneration } = known;
  const { generation } = live;
  if (knownGeneration === 'no-answer') return [];
  const seen = knownGeneration === 'not-running' ? 0 : knownGeneration;
  if (seen > generation) {
    const sentence = `live.json of ${model} has generation ${generation}, but live/${model} saw ${seen}: somebody restored it; workers and endpoints that saw more do not follow it: restart them`;
    return [problem(known, 'live-went-back', { what: `${seen} to ${generation}`, sentence })];
  }
  // a write whose answer is still on its way
  if (seen === generation || now.getTime() - Date.parse(live.updatedAt) <= WRITE_PATIENCE_MS) {
    return [];
  }
  const state = knownGeneration === 'not-running' ? 'does not run' : `knows generation ${seen}`;
  return [
    problem(known, 'live-model-behind', {
      what: `generation ${generation}`,
      sentence: `live/${model} ${state}, live.json has generation ${generation}`,
      remedy: { do: 'adopt' },
    }),
  ];
}

/** Who does not follow `live.json` now, each since the first look that saw it. */
function suspectsOf(
  { model, live, replicas, knownGeneration }: KnownModel,
  { suspects, now }: Known,
): readonly Suspect[] {
  if (live === null) return [];
  const { generation } = live;
  const late = live.live === null ? [] : replicas.filter(({ digest }) => digest !== live.live);
  const names = [
    ...late.map(({ replica }) => replica),
    ...(knownGeneration === 'no-answer' ? [null] : []),
  ];
  return names.map((replica) => {
    const before = suspects.find(
      (each) => each.model === model && each.replica === replica && each.generation === generation,
    );
    return before ?? { model, replica, generation, since: now.toISOString() };
  });
}

/** Those of them for whom that has lasted. */
function behind(
  known: KnownModel,
  live: LiveState,
  suspects: readonly Suspect[],
  now: Date,
): readonly Problem[] {
  const { model, replicas } = known;
  const late = suspects.filter(
    (each) => each.model === model && now.getTime() - Date.parse(each.since) >= PATIENCE_MS,
  );
  return late.map(({ replica, generation, since }) => {
    if (replica === null) {
      const sentence = `the workflow live/${model} does not answer since ${since} at the latest, so that a fallback through it may not come: look at its page; until it does, type npx switchyard fallback ${model} --direct`;
      return problem(known, 'live-model-behind', { what: `no answer since ${since}`, sentence });
    }
    const report = replicas.find((each) => each.replica === replica);
    const serves = report?.digest === null ? 'nothing' : shortDigest(report?.digest ?? '');
    const why = report?.problem ?? 'it does not say why';
    const sentence = `the replica ${replica} of ${model} serves ${serves} since ${since} at the latest, live.json says ${shortDigest(live.live ?? '')}: ${why}`;
    return problem(known, 'replica-behind', {
      ...{ what: `${replica} of generation ${generation} since ${since}`, sentence },
    });
  });
}

/** What a sweep would take without anybody's order: nobody works on it any more. */
function orphan({ kind, name, why, digests }: SweepItem): Problem {
  const [first = '', second = ''] = name.split(' ');
  const isStaging = kind === 'staging';
  return {
    kind: isStaging ? 'orphaned-staging' : 'unfinished-version',
    model: isStaging && first === 'unknown' ? null : first,
    what: name,
    sentence: isStaging ? `staging/${second}: ${why}` : `${first}, directory ${second}: ${why}`,
    remedy: { do: 'sweep' },
    owner: OWNER,
    subject: {
      version: isStaging ? null : Number(second),
      digest: isStaging ? null : (digests[0] ?? null),
      generation: null,
    },
  };
}

function problem(
  { model, live }: KnownModel,
  kind: ProblemKind,
  given: { what: string; sentence: string; remedy?: Remedy },
): Problem {
  const served = live === null ? null : liveVersionOf(live);
  return {
    kind,
    model,
    what: given.what.slice(0, 300),
    sentence: given.sentence.slice(0, 1_000),
    remedy: given.remedy ?? { do: 'report' },
    owner: OWNER,
    subject: {
      version: served?.version ?? null,
      digest: served?.digest ?? null,
      generation: live?.generation ?? null,
    },
  };
}
