import assert from 'node:assert/strict';
import { digestOfJson } from '../../domain/digest.js';
import { DIRECT_REMEMBERED } from '../../domain/direct-order.js';
import {
  leavingOf,
  liveStateSchema,
  liveWritten,
  type LiveChange,
} from '../../domain/live-state.js';
import { stepLive } from '../../domain/live-step.js';

const NOW = '2026-01-02T03:04:05Z';
const digest = (word: string) => digestOfJson(word);
const who = { by: 'grace', reason: 'wrong queues' };

const promote = (word: string, over: string | null, version = 1): LiveChange => ({
  kind: 'promote',
  candidate: {
    ...{ digest: digest(word), version, artifact: 'model.onnx', decisions: [] },
    evidence: digest(`evidence of ${word}`),
  },
  baseline: over === null ? null : digest(over),
});
const directly = (leaving: string): LiveChange => ({
  ...{ kind: 'fallback', leaving: digest(leaving), direct: who },
});

/** What is left after some wishes, and how each was answered. */
function run(...changes: readonly LiveChange[]) {
  let state: ReturnType<typeof stepLive>['next'] = null;
  const kinds: string[] = [];
  for (const [index, change] of changes.entries()) {
    const step = stepLive(state, change, { model: 'tickets', writeId: `w${index}`, now: NOW });
    state = step.next ?? state;
    kinds.push(step.kind);
  }
  assert.ok(state !== null);
  return { state: liveStateSchema.parse(state), kinds };
}

describe('leavingOf', () => {
  const atMs = Date.parse(NOW);

  it('is what is live', () => {
    const { state } = run(promote('a', null), promote('b', 'a', 2));

    assert.equal(leavingOf(state, atMs), digest('b'));
  });

  it('is what a fallback of a moment ago left, so that two orders at once go back once', () => {
    const { state } = run(promote('a', null), promote('b', 'a', 2), directly('b'));

    assert.equal(leavingOf(state, atMs + 29_000), digest('b'));
    assert.equal(leavingOf(state, atMs + 31_000), digest('a'));
    const again = stepLive(state, promote('c', 'a', 3), {
      ...{ model: 'tickets', writeId: 'x', now: NOW },
    });
    assert.equal(again.next && leavingOf(again.next, atMs), digest('c'));
  });

  it('is what is live where something else was written a moment ago, whatever a fallback left long before', () => {
    const { state } = run(
      promote('a', null),
      promote('b', 'a', 2),
      promote('c', 'b', 3),
      directly('c'),
    );
    const nextDay = new Date(atMs + 86_400_000).toISOString();
    const given = { model: 'tickets', writeId: 'x', now: nextDay };
    const { next } = stepLive(
      state,
      { kind: 'freeze', by: 'grace', reason: 'b is bad too' },
      given,
    );

    assert.equal(next && leavingOf(next, Date.parse(nextDay)), digest('b'));
  });
});

describe('a direct order', () => {
  it('falls back as any order does, and says in live.json who gave it', () => {
    const { state, kinds } = run(promote('a', null), promote('b', 'a', 2), directly('b'));

    assert.equal(kinds.at(-1), 'fallen-back');
    assert.equal(state.live, digest('a'));
    assert.deepEqual(state.direct, [
      { ...who, at: NOW, leaving: digest('b'), generation: 3, signature: null },
    ]);
  });

  it('is one with any other order to leave the same version', () => {
    const other: LiveChange = { kind: 'fallback', leaving: digest('b') };
    const two = [promote('a', null), promote('b', 'a', 2)];

    assert.deepEqual(run(...two, other, directly('b'), directly('b')).kinds.slice(2), [
      ...['fallen-back', 'already-done', 'already-done'],
    ]);
    const { state, kinds } = run(...two, directly('b'), other);
    assert.equal(kinds.at(-1), 'already-done');
    assert.equal(state.direct.length, 1);
  });

  it('works while frozen, and goes to no version that was withdrawn', () => {
    const { state, kinds } = run(
      ...[promote('a', null), promote('b', 'a', 2), promote('c', 'b', 3)],
      ...[{ kind: 'freeze', ...who } as const, directly('c'), directly('b'), directly('a')],
    );

    assert.deepEqual(kinds.slice(4), ['fallen-back', 'fallen-back', 'no-previous']);
    assert.equal(state.live, digest('a'));
    assert.equal(state.frozen?.by, 'grace');
  });

  it('is remembered with the last ones only', () => {
    const words = Array.from({ length: 8 }, (_, index) => `v${index}`);
    const up = words.map((word, index) => promote(word, words[index - 1] ?? null, index + 1));
    const { state } = run(...up, ...words.slice(1).reverse().map(directly));

    assert.equal(state.direct.length, DIRECT_REMEMBERED);
    assert.equal(state.direct.at(-1)?.leaving, digest('v1'));
    assert.equal(state.direct.at(-1)?.generation, state.generation);
  });

  it('is told to whoever writes or reads later, with the version that it left', () => {
    const { state } = run(promote('a', null), promote('b', 'a', 2), directly('b'));
    const step = stepLive(state, { kind: 'adopt' }, { model: 'tickets', writeId: 'x', now: NOW });

    assert.deepEqual(step, { kind: 'adopted', next: null });
    const { direct, left } = liveWritten('adopted', state);
    assert.deepEqual(direct, [
      { ...who, at: NOW, leaving: digest('b'), generation: 3, version: 2 },
    ]);
    assert.equal(left, 2);
    assert.deepEqual(liveWritten('adopted', null).direct, []);
  });

  it('is none in a state that was written before there were any', () => {
    const { state } = run(promote('a', null));

    assert.deepEqual(liveStateSchema.parse({ ...state, direct: undefined }).direct, []);
  });
});
