import assert from 'node:assert/strict';
import { ODD_TEXTS } from '../../domain/odd-texts.js';

const textOf = (id: string) => ODD_TEXTS.find((each) => each.id === `odd-${id}`)?.text ?? '';

describe('ODD_TEXTS', () => {
  it('have ids of their own, and survive a trip as JSON', () => {
    assert.equal(new Set(ODD_TEXTS.map(({ id }) => id)).size, ODD_TEXTS.length);
    assert.ok(ODD_TEXTS.length >= 25);
    assert.deepEqual(JSON.parse(JSON.stringify(ODD_TEXTS)), ODD_TEXTS);
    for (const { id, text } of ODD_TEXTS) assert.doesNotMatch(text, /\p{Surrogate}/u, id);
  });

  it('hold what breaks programs: nothing, NUL, astral letters, joined emoji', () => {
    assert.equal(textOf('empty'), '');
    assert.match(textOf('nul'), /\0/);
    assert.match(textOf('astral-letters'), /[\u{10400}-\u{1044f}]/u);
    assert.match(textOf('emoji-joined'), /\u200d/);
    assert.match(textOf('final-sigma'), /\u03a3 /);
    assert.match(textOf('dotted-capital-i'), /\u0130/);
  });

  it('hold 100,000 characters of words that are nearly all distinct', () => {
    const text = textOf('long-distinct-words');
    const words = text.split(' ');

    assert.equal(text.length, 100_000);
    assert.equal(new Set(words.slice(0, -1)).size, words.length - 1);
    assert.ok(words.length > 8_000, `${words.length}`);
  });
});
