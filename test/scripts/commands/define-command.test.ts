import assert from 'node:assert/strict';
import { readCommandLine } from '../../../scripts/commands/terminal/options.js';
import { typed } from '../../../scripts/commands/terminal/words.js';
import { UsageError } from '../../../scripts/commands/terminal/usage-error.js';

const SHOW = {
  ...{ name: 'show', takes: '<model> [<n>]' },
  options: {
    out: { type: 'string', about: '' },
    text: { type: 'string', about: '', multiple: true },
    wait: { type: 'boolean', about: '' },
  },
} as const;

describe('readCommandLine', () => {
  it('gives words, values by their type, and false for a boolean that is not there', () => {
    const { values, words, json } = readCommandLine(SHOW, [
      'tickets',
      '--text',
      'a',
      '--text',
      'b',
      '--json',
    ]);
    assert.deepEqual(
      { ...values, words, json },
      { text: ['a', 'b'], wait: false, words: ['tickets'], json: true },
    );
  });

  const wrong: readonly [string, readonly string[], RegExp][] = [
    [
      'the word that is missing',
      [],
      /^show needs <model>; type npx switchyard show <model> \[<n>\]$/,
    ],
    ['the word that is too much', ['a', '1', 'c'], /^show does not know what to do with "c"; type/],
    [
      'the nearest option',
      ['a', '--wiat'],
      /^show has no option "--wiat"; did you mean "--wait"\?$/,
    ],
    [
      'a value that is missing',
      ['a', '--out'],
      /^show: option '--out <value>' argument missing; type npx switchyard show --help$/,
    ],
  ];
  for (const [what, args, sentence] of wrong) {
    it(`names ${what}, in one sentence`, () => {
      assert.throws(
        () => readCommandLine(SHOW, args),
        (error) => error instanceof UsageError && sentence.test(error.message),
      );
    });
  }

  it('asks for no word where help is wanted', () => {
    assert.equal(readCommandLine(SHOW, ['--help']).help, true);
  });
});

describe('typed', () => {
  it('quotes what a shell would take apart', () => {
    assert.equal(
      typed('approve', 'lifecycle/a/1', '--reason', "it's fine"),
      "npx switchyard approve lifecycle/a/1 --reason 'it'\\''s fine'",
    );
  });

  it('quotes what would write to a file, but not what stands for a word to fill in', () => {
    assert.equal(
      typed('status', 'lifecycle>/tmp/x', '<model>'),
      "npx switchyard status 'lifecycle>/tmp/x' <model>",
    );
  });
});
