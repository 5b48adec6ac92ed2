import assert from 'node:assert/strict';
import { code, codeBlock, page, plain, table } from '../../domain/markdown.js';

describe('plain', () => {
  it('shows markup, HTML and table bars as they were written', () => {
    assert.equal(
      plain('<img src=x onerror=alert(1)> **bold** [a](b) | c'),
      '\\<img src=x onerror=alert\\(1\\)\\> \\*\\*bold\\*\\* \\[a\\]\\(b\\) \\| c',
    );
  });

  it('begins no list and no heading', () => {
    assert.equal(plain('1. first'), '1\\. first');
    assert.equal(plain('# title'), '\\# title');
    assert.equal(plain('- item'), '\\- item');
  });

  it('keeps everything on one line', () => {
    assert.equal(plain('one\n\n| a | b |\r\n---'), 'one \\| a \\| b \\| \\-\\-\\-');
  });

  it('makes no link of an address', () => {
    assert.equal(plain('see http://evil.example/?q=`x`'), '`` see http://evil.example/?q=`x` ``');
    assert.equal(plain('see www.evil.example'), '`see www.evil.example`');
  });

  it('marks what hides or turns text, and cuts what is long', () => {
    assert.equal(plain('a\u202eb\u0007c'), 'a\uFFFDb\uFFFDc');
    assert.equal(plain('x'.repeat(400)).length, 300);
  });
});

describe('code', () => {
  it('is ended by nothing in it', () => {
    assert.equal(code('a `b` ``c'), '```a `b` ``c```');
    assert.equal(code('`a'), '`` `a ``');
  });

  it('is nothing where there is nothing', () => {
    assert.equal(code(' '), '');
  });
});

describe('codeBlock', () => {
  it('is ended by nothing in it', () => {
    assert.equal(codeBlock('sh', 'a\n```\nb'), '````sh\na\n```\nb\n````');
  });
});

describe('table', () => {
  it('keeps a cell together, also in code', () => {
    assert.equal(table(['a'], [[code('x|y')], [plain('x|y')]]).split('\n')[2], '| `x\\|y` |');
    assert.match(table(['a'], [[plain('x|y')]]), /\| x\\\|y \|$/);
  });

  it('has a line below its head', () => {
    assert.equal(
      table(['a', 'b'], [['1', '2']]),
      '| a\u00a0\u00a0 | b |\n| --- | --- |\n| 1\u00a0\u00a0 | 2 |',
    );
  });
});

describe('page', () => {
  it('leaves out what there is no room for, and says so', () => {
    const given = { longest: 40, more: 'More: ask.' };
    assert.equal(page(['first', '', 'second'], given), 'first\n\nsecond');
    assert.equal(page(['first', 'x'.repeat(40), 'third'], given), 'first\n\nthird\n\nMore: ask.');
  });
});
