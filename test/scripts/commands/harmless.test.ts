import assert from 'node:assert/strict';
import { renderAnswer } from '../../../scripts/commands/terminal/answer.js';
import { harmless } from '../../../scripts/commands/terminal/harmless.js';

describe('harmless', () => {
  it('shows what would clear the screen, name a link or turn text around', () => {
    assert.equal(
      harmless('mail\x1b[2J \x1b]8;;http://x\x07\u202ecod\x9b1mend\ttab'),
      'mail\uFFFD[2J \uFFFD]8;;http://x\uFFFD\uFFFDcod\uFFFD1mend tab',
    );
  });

  it('leaves words of every script and emoji that are joined alone', () => {
    const text = 'Größe ответ 注文 👩‍👩‍👧 “quoted” …';
    assert.equal(harmless(text), text);
  });
});

describe('renderAnswer', () => {
  it('keeps a text of several lines on its own, so that it cannot pass for the next command', () => {
    const lines = ['rejected by eve: no\n\nnext:   npx evil'];
    const text = renderAnswer({ lines, facts: {}, webUi: null, next: ['npx switchyard status'] });
    assert.deepEqual(
      text.split('\n').filter((line) => line.startsWith('next:')),
      ['next:   npx switchyard status'],
    );
  });
});
