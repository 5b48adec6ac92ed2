import assert from 'node:assert/strict';
import fc from 'fast-check';
import { digestOfJson } from '../../domain/digest.js';
import {
  liveStateSchema,
  liveVersionOf,
  liveWritten,
  previousOf,
  SERVED_REMEMBERED,
  type LiveChange,
  type LiveState,
} from '../../domain/live-state.js';
import { stepLive } from '../../domain/live-step.js';

const digest = (word: string) => digestOfJson(word);

const promote = (word: string, over: string | null): LiveChange => ({
  kind: 'promote',
  candidate: {
    digest: digest(word),
    version: 1,
    artifact: 'model.onnx',
    evidence: digest(`evidence of ${word}`),
    decisions: [],
  },
  baseline: over === null ? null : digest(over),
});
const fallback = (leaving: string): LiveChange => ({ kind: 'fallback', leaving: digest(leaving) });
/** The undo of the promotion that was the wish number `wish`. */
const undo = (
  promoted: string,
  before: string | null,
  wish: number,
  unanswered = false,
): LiveChange => ({
  kind: 'undo-promotion',
  promoted: digest(promoted),
  before: before === null ? null : digest(before),
  promotion: `w${wish}`,
  ...(unanswered && { unanswered }),
});

const freeze: LiveChange = { kind: 'freeze', by: 'grace', reason: 'wrong queues' };
const thaw: LiveChange = { kind: 'thaw', by: 'ada', reason: 'mended' };

/** Applies wishes one after the other; the kinds of the answers, and the last state. */
function run(changes: readonly LiveChange[], from: LiveState | null = null) {
  let state = from;
  const kinds = changes.map((change, index) => {
    const given = { model: 'tickets', writeId: `w${index}`, now: '2026-01-02T03:04:05Z' };
    const step = stepLive(state, change, given);
    state = step.next ?? state;
    return step.kind;
  });
  return { kinds, state };
}

/** The state after some wishes, which must leave one. */
function stateAfter(...changes: readonly LiveChange[]): LiveState {
  const { state } = run(changes);
  assert.ok(state !== null);
  return state;
}

describe('stepLive', () => {
  it('promotes the first version over nothing', () => {
    const { kinds, state } = run([promote('a', null)]);

    assert.deepEqual(kinds, ['promoted']);
    assert.equal(state?.live, digest('a'));
    assert.equal(state.generation, 1);
    assert.equal(state.writeId, 'w0');
    assert.equal(liveVersionOf(state)?.since, '2026-01-02T03:04:05Z');
  });

  it('answers moved when another version than the baseline is live', () => {
    const { kinds, state } = run([promote('a', null), promote('b', null), promote('c', 'x')]);

    assert.deepEqual(kinds, ['promoted', 'moved', 'moved']);
    assert.equal(state?.live, digest('a'));
    assert.equal(state.generation, 1);
  });

  it('never promotes a version again that a fallback left', () => {
    const { kinds } = run([
      ...[promote('a', null), promote('b', 'a'), fallback('b')],
      ...[promote('b', 'a'), promote('b', 'x')],
    ]);

    assert.deepEqual(kinds.slice(2), ['fallen-back', 'withdrawn', 'withdrawn']);
  });

  it('promotes a version again that was only replaced', () => {
    const state = stateAfter(promote('a', null), promote('b', 'a'), promote('a', 'b'));

    assert.equal(state.live, digest('a'));
    assert.deepEqual(
      state.served.map((each) => each.digest),
      [digest('a'), digest('b'), digest('a')],
    );
    assert.equal(previousOf(state)?.digest, digest('b'));
  });

  it('falls back to the version before, then to the one before that', () => {
    const before = [promote('a', null), promote('b', 'a'), promote('c', 'b')];
    const { kinds, state } = run([...before, fallback('c'), fallback('b'), fallback('a')]);

    assert.deepEqual(kinds.slice(3), ['fallen-back', 'fallen-back', 'no-previous']);
    assert.equal(state?.live, digest('a'));
    assert.deepEqual(state.withdrawn, [digest('c'), digest('b')]);
  });

  it('has nothing to do when the version to leave is not live', () => {
    const { kinds } = run([fallback('a'), promote('a', null), fallback('b')]);

    assert.deepEqual(kinds, ['already-done', 'promoted', 'already-done']);
  });

  it('has no previous version after the first promotion', () => {
    assert.deepEqual(run([promote('a', null), fallback('a')]).kinds, ['promoted', 'no-previous']);
  });

  it('undoes a first promotion to nothing', () => {
    const { kinds, state } = run([promote('a', null), undo('a', null, 0), undo('a', null, 0)]);

    assert.deepEqual(kinds.slice(1), ['restored', 'already-clean']);
    assert.equal(state?.live, null);
    assert.deepEqual(state.served, []);
    assert.equal(liveVersionOf(state), null);
  });

  it('undoes a promotion to the version before, which is then no fallback’s way to the undone one', () => {
    const { kinds, state } = run([promote('a', null), promote('b', 'a'), undo('b', 'a', 1)]);

    assert.equal(kinds.at(-1), 'restored');
    assert.equal(state?.live, digest('a'));
    assert.equal(previousOf(state), null);
    assert.deepEqual(state.withdrawn, []);
  });

  it('finds an undo clean when its promotion never happened', () => {
    assert.deepEqual(run([undo('b', 'a', 9), promote('a', null), undo('b', 'a', 9)]).kinds, [
      ...['already-clean', 'promoted', 'already-clean'],
    ]);
    assert.equal(run([promote('x', null), undo('b', 'a', 9)]).kinds.at(-1), 'already-clean');
  });

  it('writes all the same where nobody knows whether the promotion was written, so that a late write of it finds another state', () => {
    const { kinds, state } = run([promote('a', null), undo('b', 'a', 9, true)]);

    assert.equal(kinds.at(-1), 'already-clean');
    assert.deepEqual([state?.live, state?.generation], [digest('a'), 2]);
    const first = run([undo('b', null, 9, true)]);
    assert.deepEqual([first.kinds, first.state?.live], [['already-clean'], null]);
    const found = run([promote('a', null), undo('a', null, 0, true)]);
    assert.deepEqual([found.kinds.at(-1), found.state?.live], ['restored', null]);
  });

  it('leaves a newer promotion alone', () => {
    const { kinds, state } = run([
      ...[promote('a', null), promote('b', 'a'), promote('c', 'b'), undo('b', 'a', 1)],
    ]);

    assert.equal(kinds.at(-1), 'forgotten');
    assert.equal(state?.live, digest('c'));
  });

  it('goes back, from the newer one, to no promotion that was undone under it', () => {
    const undone = [promote('a', null), promote('b', 'a'), promote('c', 'b'), undo('b', 'a', 1)];

    assert.equal(run([...undone, fallback('c')]).state?.live, digest('a'));
    const { kinds, state } = run([...undone, undo('c', 'b', 2)]);
    assert.equal(kinds.at(-1), 'restored');
    assert.equal(state?.live, digest('a'));
    assert.deepEqual(run([...undone, undo('b', 'a', 1)]).kinds.at(-1), 'already-clean');
  });

  it('finds an undo clean after a fallback went back for it', () => {
    const { kinds } = run([
      ...[promote('a', null), promote('b', 'a'), fallback('b'), undo('b', 'a', 1)],
    ]);

    assert.equal(kinds.at(-1), 'already-clean');
  });

  it('never takes back what another promoted again (A-B-A)', () => {
    const aba = [promote('a', null), promote('b', 'a'), promote('a', 'b')];
    const { kinds, state } = run([...aba, undo('a', null, 0)]);

    assert.equal(kinds.at(-1), 'forgotten');
    assert.equal(state?.live, digest('a'));
    const undone = run([...aba, undo('a', 'b', 2)]);
    assert.equal(undone.kinds.at(-1), 'restored');
    assert.deepEqual(undone.state?.served, stateAfter(...aba.slice(0, 2)).served);
    assert.equal(run([...aba, promote('c', 'a'), undo('a', null, 0)]).kinds.at(-1), 'forgotten');
  });

  it('undoes a promotion whichever of its tries went through, and no other’s', () => {
    const given = { model: 'tickets', now: '2026-01-02T03:04:05Z' };
    const { next } = stepLive(null, promote('a', null), { ...given, writeId: 'r1/promote/abc/3' });
    const undone = (promotion: string) =>
      stepLive(
        next,
        { kind: 'undo-promotion', promoted: digest('a'), before: null, promotion },
        { ...given, writeId: 'u' },
      ).kind;

    assert.equal(undone('r1/promote/abc'), 'restored');
    assert.equal(undone('r1/promote/abc/3'), 'restored');
    assert.equal(undone('r1/promote/ab'), 'conflicted');
    assert.equal(undone('r2/promote/abc'), 'conflicted');
  });

  it('never takes away the version that a fallback went to', () => {
    const { kinds, state } = run([
      ...[promote('a', null), promote('b', 'a'), fallback('b'), undo('a', null, 0)],
    ]);

    assert.equal(kinds.at(-1), 'conflicted');
    assert.equal(state?.live, digest('a'));
  });

  it('undoes two promotions one after the other, the newest first', () => {
    const { kinds, state } = run([
      ...[promote('a', null), promote('b', 'a'), undo('b', 'a', 1), undo('a', null, 0)],
    ]);

    assert.deepEqual(kinds.slice(2), ['restored', 'restored']);
    assert.equal(state?.live, null);
  });

  it('never puts back a version that was withdrawn since', () => {
    const { kinds, state } = run([
      ...[promote('a', null), promote('w', 'a'), promote('p', 'w'), undo('p', 'w', 2)],
      ...[fallback('w'), promote('p', 'a'), undo('p', 'w', 5)],
    ]);

    assert.deepEqual(kinds.slice(-3), ['fallen-back', 'promoted', 'conflicted']);
    assert.equal(state?.live, digest('p'));
  });

  it('remembers the last 20 versions that served', () => {
    const words = Array.from({ length: 25 }, (_, index) => `v${index}`);
    const state = stateAfter(
      ...words.map((word, index) => promote(word, words[index - 1] ?? null)),
    );

    assert.equal(state.served.length, SERVED_REMEMBERED);
    assert.equal(state.served[0]?.digest, digest('v24'));
    assert.equal(state.served.at(-1)?.digest, digest('v5'));
  });

  it('freezes once and thaws once, whatever is live', () => {
    const { kinds, state } = run([thaw, freeze, { ...freeze, by: 'ada' }, thaw, thaw]);

    assert.deepEqual(kinds, ['already-done', 'frozen', 'already-done', 'thawed', 'already-done']);
    assert.equal(state?.frozen, null);
    assert.equal(state.generation, 2);
    assert.deepEqual(stateAfter(freeze, { ...freeze, by: 'ada' }).frozen, {
      ...{ by: 'grace', reason: 'wrong queues', at: '2026-01-02T03:04:05Z' },
    });
  });

  it('promotes nothing while it is frozen, and goes on after the thaw', () => {
    const { kinds, state } = run([
      ...[
        promote('a', null),
        freeze,
        promote('b', 'a'),
        promote('b', 'x'),
        thaw,
        promote('b', 'a'),
      ],
    ]);

    assert.deepEqual(kinds.slice(2), ['frozen', 'frozen', 'thawed', 'promoted']);
    assert.equal(state?.live, digest('b'));
  });

  it('falls back while it is frozen, and stays frozen', () => {
    const { kinds, state } = run([promote('a', null), promote('b', 'a'), freeze, fallback('b')]);

    assert.equal(kinds.at(-1), 'fallen-back');
    assert.equal(state?.live, digest('a'));
    assert.equal(state.frozen?.by, 'grace');
    assert.equal(run([promote('b', 'a')], state).kinds[0], 'withdrawn');
  });

  it('undoes a promotion while it is frozen', () => {
    const { kinds, state } = run([promote('a', null), freeze, undo('a', null, 0)]);

    assert.equal(kinds.at(-1), 'restored');
    assert.equal(state?.frozen?.by, 'grace');
  });

  it('reads a state that was written before anything could be frozen', () => {
    const { frozen, ...older } = stateAfter(promote('a', null));

    assert.equal(frozen, null);
    assert.equal(liveStateSchema.parse(older).frozen, null);
  });

  it('reads a state that was written before promotions had names, and undoes none of them', () => {
    const { served, ...rest } = stateAfter(promote('a', null));
    const older = served.map((each) => ({ ...each, promotion: undefined }));
    const state = liveStateSchema.parse({ ...rest, served: older });

    assert.equal(liveVersionOf(state)?.promotion, null);
    assert.equal(run([undo('a', null, 0)], state).kinds[0], 'conflicted');
  });

  it('shows the live version, the way back, and what was withdrawn', () => {
    const state = stateAfter(
      ...[promote('a', null), promote('b', 'a'), promote('c', 'b'), fallback('c'), freeze],
    );

    const { picture } = liveWritten('frozen', state);
    assert.equal(picture.live?.digest, digest('b'));
    assert.equal(picture.previous?.digest, digest('a'));
    assert.deepEqual(picture.withdrawn, [digest('c')]);
    assert.equal(picture.frozen?.reason, 'wrong queues');
    assert.deepEqual(liveWritten('already-clean', null), {
      ...{ kind: 'already-clean', generation: 0, live: null },
      picture: { live: null, previous: null, withdrawn: [], frozen: null },
      ...{ left: null, direct: [] },
    });
  });

  it('keeps its promises over any sequence of wishes', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd');
    const wordOrNull = fc.option(word, { nil: null });
    const wish = fc.oneof(
      fc.tuple(word, wordOrNull).map(([next, over]) => promote(next, over)),
      word.map(fallback),
      fc
        .tuple(word, wordOrNull, fc.nat({ max: 30 }))
        .map(([promoted, before, wish]) => undo(promoted, before, wish)),
      fc.constantFrom(freeze, thaw),
      // Wishes that fit what is live, so that most sequences get somewhere.
      fc
        .constantFrom('promote', 'fallback', 'undo')
        .map((kind) => ({ kind, fitting: true as const })),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(wish, word), { maxLength: 30 }), (wishes) => {
        const at: { state: LiveState | null; before: string | null } = {
          state: null,
          before: null,
        };
        for (const [index, [given, next]] of wishes.entries()) {
          const earlier = at.state;
          const change = 'fitting' in given ? fitting(given.kind, earlier, next, at.before) : given;
          const ids = { model: 'tickets', writeId: `w${index}`, now: '2026-01-02T03:04:05Z' };
          const step = stepLive(earlier, change, ids);
          if (step.next === null) continue;
          const state = liveStateSchema.parse(step.next);
          Object.assign(at, { state, before: earlier?.live ?? null });
          assert.equal(state.generation, (earlier?.generation ?? 0) + 1);
          assert.ok(change.kind !== 'promote' || (earlier?.frozen ?? null) === null);
          assert.ok(state.live === null || liveVersionOf(state)?.digest === state.live);
          assert.ok(state.live === null || !state.withdrawn.includes(state.live));
          for (const gone of earlier?.withdrawn ?? []) assert.ok(state.withdrawn.includes(gone));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('undoes any promotion exactly, right after it', () => {
    const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
    fc.assert(
      fc.property(words, (order) => {
        const changes = order.map((word, index) => promote(word, order[index - 1] ?? null));
        const before = run(changes.slice(0, -1)).state;
        const last = order.at(-1) ?? '';
        const { kinds, state } = run([
          ...changes,
          undo(last, order.at(-2) ?? null, order.length - 1),
        ]);

        assert.equal(kinds.at(-1), 'restored');
        assert.equal(state?.live, before?.live ?? null);
        assert.deepEqual(state.served, before?.served ?? []);
        assert.deepEqual(state.withdrawn, before?.withdrawn ?? []);
      }),
    );
  });

  it('undoes any of many promotions, in any order, as if they had never been', () => {
    // the same version again too, but not over itself
    const words = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 7 })
      .map((all) => all.filter((word, index) => word !== all[index - 1]));
    const chain = words.chain((order) =>
      fc.record({
        order: fc.constant(order),
        undone: fc.shuffledSubarray(order.map((_, index) => index)),
      }),
    );
    fc.assert(
      fc.property(chain, ({ order, undone }) => {
        const promoted = order.map((word, index) => promote(word, order[index - 1] ?? null));
        const undos = undone.map((index) =>
          undo(order[index] ?? '', order[index - 1] ?? null, index),
        );
        const { state } = run([...promoted, ...undos]);

        const left = order.filter((_, index) => !undone.includes(index)).reverse();
        assert.equal(state?.live, left[0] === undefined ? null : digest(left[0]));
        assert.deepEqual(
          state.served.map((served) => served.digest),
          left.map(digest),
        );
      }),
      { numRuns: 500 },
    );
  });
});

function fitting(
  kind: string,
  state: LiveState | null,
  next: string,
  before: string | null,
): LiveChange {
  const live = state?.live ?? null;
  const wish = promote(next, null);
  if (kind === 'fallback' && live !== null) return { kind: 'fallback', leaving: live };
  const promotion = state === null ? null : liveVersionOf(state)?.promotion;
  if (kind === 'undo' && live !== null && typeof promotion === 'string') {
    return { kind: 'undo-promotion', promoted: live, before, promotion };
  }
  return wish.kind === 'promote' ? { ...wish, baseline: live } : wish;
}
