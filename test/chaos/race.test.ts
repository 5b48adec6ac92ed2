import assert from 'node:assert/strict';
import type { LiveChange, LiveState } from '../../domain/live-state.js';
import { stepLive } from '../../domain/live-step.js';
import { aDigest } from '../../testing/builders.js';
import { historyViolations, type History, type Look, type Wish } from './race/history.js';
import { racePointer } from './race/pointer.js';

const MODEL = 'raced';

const aPromotion = (word: string, over: string | null): LiveChange => ({
  kind: 'promote',
  baseline: over === null ? null : aDigest(over),
  candidate: {
    ...{ digest: aDigest(word), version: 1, artifact: 'model.onnx', decisions: [] },
    evidence: aDigest(`evidence of ${word}`),
  },
});

const anUndo = (promotion: string, word: string, before: string | null): LiveChange => ({
  ...{ kind: 'undo-promotion', promotion, promoted: aDigest(word) },
  before: before === null ? null : aDigest(before),
});

/** What one writer after another is answered by the rule itself, a second each. */
function aHistory(changes: readonly LiveChange[]): History & { wishes: Wish[]; looks: Look[] } {
  let last: LiveState | null = null;
  const wishes: Wish[] = [];
  for (const [index, change] of changes.entries()) {
    const writeId = `w${index + 1}`;
    const now = '2026-01-01T00:00:00Z';
    const { kind, next }: ReturnType<typeof stepLive> = stepLive(last, change, {
      ...{ model: MODEL, writeId, now },
    });
    last = next ?? last;
    const answer = { kind, generation: last?.generation ?? 0, live: last?.live ?? null };
    const startMs = index * 1_000;
    wishes.push({ writer: 'one', writeId, change, startMs, endMs: startMs + 900, sent: 1, answer });
  }
  return { model: MODEL, wishes, looks: [], last };
}

/** Promoted, promoted over, undone, moved, and the first digest promoted again. */
const CHANGES = [
  aPromotion('a', null),
  aPromotion('b', 'a'),
  anUndo('w2', 'b', 'a'),
  aPromotion('c', 'b'),
  aPromotion('b', 'a'),
];

/** The history with some wishes changed. */
const changed = (change: (wish: Wish) => Wish): History => {
  const history = aHistory(CHANGES);
  return { ...history, wishes: history.wishes.map(change) };
};

const answering =
  (writeId: string, answer: Partial<NonNullable<Wish['answer']>>) =>
  (wish: Wish): Wish =>
    wish.writeId === writeId && wish.answer !== null
      ? { ...wish, answer: { ...wish.answer, ...answer } }
      : wish;

describe('the history of a raced pointer', () => {
  it('is linearizable where every answer is that of the rule', () => {
    assert.deepEqual(historyViolations(aHistory(CHANGES)), []);
  });

  it('is not where a generation is acknowledged twice, or to nobody', () => {
    const twice = historyViolations(changed(answering('w2', { generation: 1 })));
    assert.match(twice.join('\n'), /generation 1 was acknowledged twice: w1 and w2/);
    const history = aHistory(CHANGES);
    const lost = history.wishes.filter(({ writeId }) => writeId !== 'w2');
    assert.match(
      historyViolations({ ...history, wishes: lost }).join('\n'),
      /generation 3 follows 1: a write between was not acknowledged/,
    );
  });

  it('is not where an answer is not the one of the state before it', () => {
    const moved = historyViolations(changed(answering('w4', { kind: 'withdrawn' })));
    assert.match(moved.join('\n'), /w4 was answered withdrawn at generation 3, which says moved/);
    const elsewhere = historyViolations(changed(answering('w2', { live: aDigest('c') })));
    assert.match(elsewhere.join('\n'), /w2 was answered promoted as generation 2/);
  });

  it('is not where somebody is shown less than was acknowledged before, or what had not begun', () => {
    const history = aHistory(CHANGES);
    const look = { reader: 'reader', writeId: 'w1', live: aDigest('a'), generation: 1 };
    const late: Look = { ...look, startMs: 2_000, endMs: 2_010 };
    assert.match(
      historyViolations({ ...history, looks: [late] }).join('\n'),
      /reader was shown generation 1 after 2 was acknowledged/,
    );
    const early = history.wishes.map((wish) =>
      wish.writeId === 'w1' ? { ...wish, startMs: 5_000, endMs: 5_900 } : wish,
    );
    const seen: Look = { ...look, startMs: 0, endMs: 10 };
    assert.match(
      historyViolations({ ...history, wishes: early, looks: [seen] }).join('\n'),
      /reader was shown generation 1 before it began/,
    );
    const foreign: Look = { ...look, writeId: 'w9', startMs: 950, endMs: 960 };
    assert.match(
      historyViolations({ ...history, looks: [foreign] }).join('\n'),
      /a generation 1 that nobody wrote/,
    );
  });

  it('is not where an undo takes back the promotion of another, of the same digest too', () => {
    const history = aHistory([aPromotion('a', null), aPromotion('b', 'a'), anUndo('w2', 'b', 'a')]);
    const wishes = history.wishes.map((wish) =>
      wish.writeId === 'w3' ? { ...wish, change: anUndo('w1', 'b', 'a') } : wish,
    );
    assert.match(
      historyViolations({ ...history, wishes }).join('\n'),
      /w3 undid w1 while w2 had put there what served/,
    );
  });

  it('is not where live.json holds something else in the end', () => {
    const violations = historyViolations({ ...aHistory(CHANGES), last: null });
    assert.match(violations.join('\n'), /live.json holds nothing at the end/);
  });

  it('is linearizable with twenty writers in several processes', async () => {
    const { violations, figures } = await racePointer({
      ...{ seed: 3, writes: 200, say: () => undefined },
    });
    assert.deepEqual(violations, []);
    assert.match(figures.join(''), /20 writers in 4 processes, .* 2\d\d compare-and-sets/);
  }).timeout(90_000);
});
