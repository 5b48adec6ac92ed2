import assert from 'node:assert/strict';
import {
  answerBefore,
  carriedLiveSchema,
  NOTHING_CARRIED,
  shortened,
  type CarriedLive,
} from '../../domain/live-carried.js';
import { liveModelInputSchema } from '../../workflows/messages.js';
import { aDigest } from '../../testing/builders.js';

const AT = '2026-01-02T03:04:05.678Z';
const LARGE = Number.MAX_SAFE_INTEGER;
/** Each of these takes six bytes inside JSON. */
const long = (characters: number) => '\u0001'.repeat(characters);
const times = <Value>(count: number, make: (index: number) => Value) =>
  Array.from({ length: count }, (_, index) => make(index));

const frozen = (index: number) => ({
  ...{ by: long(200), reason: long(2_000) },
  at: new Date(Date.parse(AT) + index).toISOString(),
});
const shown = (word: string) => ({ digest: aDigest(word), version: 1_000_000, since: AT });

/** The most that a `liveModel` can come to remember. */
function most(): CarriedLive {
  return carriedLiveSchema.parse({
    answered: times(100, (index) => ({
      ...{ id: `${long(190)}${index}`, kind: 'frozen', generation: LARGE, live: aDigest(index) },
      frozen: frozen(index),
    })),
    known: {
      ...{ kind: 'frozen', generation: LARGE, live: aDigest('live'), frozen: frozen(1) },
      picture: {
        ...{ live: shown('live'), previous: shown('previous'), frozen: frozen(1) },
        withdrawn: times(5, (index) => aDigest(`withdrawn ${index}`)),
      },
    },
    notes: times(10, () => ({
      ...{ at: AT, what: long(300), by: long(300), reason: long(300) },
      ...{ answer: 'a'.repeat(40), generation: LARGE },
    })),
    stopped: times(100, (index) => `${long(290)}${index}`),
    pending: times(8, (index) => ({
      ...{ generation: LARGE - index, leaving: aDigest(index), version: 1_000_000 },
      ...{ by: long(200), reason: long(2_000), owner: 'o'.repeat(63), at: AT, isDirect: false },
      inputs: times(20, () => ({ id: long(300), excerpt: long(300), detail: long(300) })),
    })),
    doubtful: times(8, (index) => ({
      ...{ generation: 1, leaving: aDigest(index), version: null },
      ...{ by: long(200), reason: long(2_000), owner: 'o'.repeat(63), at: AT, isDirect: false },
    })),
  });
}

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('shortened', () => {
  it('carries at most 32 KB, whatever people, models and requests are called and wrote', () => {
    const input = { model: 'm'.repeat(63), carried: shortened(most()) };

    assert.deepEqual(liveModelInputSchema.parse(input), input);
    const bytes = bytesOf(input);
    assert.ok(bytes <= 32 * 1_024, `${bytes} bytes`);
    assert.equal(input.carried.answered.length, 100);
    assert.equal(input.carried.pending.length, 3);
    assert.equal(shortened(input.carried).answered[0]?.id, input.carried.answered[0]?.id);
    assert.deepEqual(shortened(input.carried), input.carried);
  });

  it('still knows the answer of each request, by the id that was given', () => {
    const carried = shortened({
      ...NOTHING_CARRIED,
      answered: [
        { id: 'run/promote/1', kind: 'promoted', generation: 3, live: aDigest('a') },
        {
          ...{ id: 'run/promote/2', kind: 'frozen', generation: 4, live: aDigest('a') },
          frozen: { by: 'grace', reason: 'audit', at: AT },
        },
      ],
    });

    assert.deepEqual(answerBefore(carried, 'run/promote/1'), {
      ...{ kind: 'promoted', generation: 3, live: aDigest('a') },
    });
    assert.deepEqual(answerBefore(shortened(carried), 'run/promote/2'), {
      ...{ kind: 'frozen', generation: 4, live: aDigest('a') },
      frozen: { by: 'grace', reason: 'audit', at: AT },
    });
    assert.equal(answerBefore(carried, 'run/promote/3'), null);
  });

  it('keeps what people wrote whole where it is short', () => {
    const note = { at: AT, what: 'freeze', by: 'grace', reason: 'wrong queues', answer: 'frozen' };
    const carried = {
      ...NOTHING_CARRIED,
      notes: [{ ...note, generation: 1 }],
      stopped: ['a', 'b'],
    };

    assert.deepEqual(shortened(carried), carried);
  });

  it('is read by an older build, which leaves out what a newer one has added', () => {
    const known = { kind: 'promoted', generation: 3, live: aDigest('a'), picture: null };
    const carried = { ...NOTHING_CARRIED, known: { ...known, added: 1 }, added: [1] };

    assert.deepEqual(carriedLiveSchema.parse(carried), { ...NOTHING_CARRIED, known });
  });
});
