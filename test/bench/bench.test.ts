import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { isMet, ratioOf, type Figure } from './benchmark.js';
import { interleave, median } from './rounds.js';
import { isAllMet, renderReport, type Report } from './table.js';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const aFigure = (overrides: Partial<Figure> = {}): Figure => ({
  what: 'a start',
  unit: 'ms',
  value: 50,
  other: { name: 'by hand', value: 200 },
  target: { of: 'ratio', atMost: 0.5 },
  rounds: 5,
  note: 'quiet',
  ...overrides,
});

const aRate = (overrides: Partial<Figure> = {}): Figure =>
  aFigure({
    ...{ what: 'answers', unit: 'requests/s', value: 1_600 },
    ...{ other: { name: 'by hand', value: 200 }, target: { of: 'ratio', atLeast: 7.5 } },
    ...overrides,
  });

const aReport = (figures: readonly Figure[], problem: string | null = null): Report => ({
  benchmark: 'lifecycle',
  machine: { cores: 2, processor: 'a processor', memoryGiB: 8, system: 'Linux', node: 'v20.0.0' },
  rows: [{ row: 'bundle', figures, problem, load: [0.1, 1.5] }],
});

describe('benchmark', () => {
  it('holds a value or a ratio against its limit, and misses it with what is no number', () => {
    assert.equal(ratioOf(aFigure()), 0.25);
    assert.equal(isMet(aFigure()), true);
    assert.equal(isMet(aFigure({ other: { name: 'by hand', value: 99 } })), false);
    assert.equal(isMet(aFigure({ target: { of: 'value', atMost: 50 } })), true);
    assert.equal(isMet(aFigure({ target: { of: 'value', atMost: 49 } })), false);
    assert.equal(isMet(aFigure({ value: Number.NaN })), false);
    assert.equal(isMet(aFigure({ other: null })), false);
    assert.equal(isMet(aRate()), true);
    assert.equal(isMet(aRate({ value: 1_499 })), false);
    assert.equal(isMet(aRate({ value: Number.NaN })), false);
    assert.equal(isMet(aRate({ target: { of: 'value', atLeast: 1_600 } })), true);
  });

  it('takes the middle', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it('measures both sides in turn, and changes who begins', async () => {
    const order: string[] = [];
    const side = (name: string) => () => {
      order.push(name);
      return Promise.resolve(order.length);
    };
    const lines: string[] = [];
    const taken = await interleave(
      { ours: side('o'), other: side('x') },
      { rounds: 2, perRound: 2, say: (line) => lines.push(line) },
    );
    assert.equal(order.join(''), 'ox' + 'xo' + 'ox' + 'ox' + 'xo', 'the first pair is not counted');
    assert.deepEqual(taken, { ours: [4, 5, 7, 10], other: [3, 6, 8, 9] });
    assert.equal(lines.length, 2);
    const warm = await interleave(
      { ours: side('o'), other: side('x') },
      { rounds: 1, perRound: 1, areWarm: true, unit: 'MB', say: (line) => lines.push(line) },
    );
    assert.deepEqual([warm.ours.length, warm.other.length], [1, 1]);
    assert.equal(order.length, 12);
    assert.match(lines.at(-1) ?? '', / MB against .* MB$/);
  });

  it('shows ratio, target and verdict, and counts a row without figures as missed', () => {
    const shown = renderReport(aReport([aFigure()]));
    assert.match(shown, /a start +50 ms +200 ms by hand +4\.00x faster +>= 2x faster +met +5/);
    assert.match(shown, /on 2 cores of a processor, 8 GiB, Linux, Node v20/);
    assert.match(
      renderReport(aReport([aRate(), aRate({ value: 100 })])),
      /1600 requests\/s +200 requests\/s by hand +8\.00x +>= 7\.5x +met[\s\S]* 0\.50x +>= 7\.5x +missed/,
    );
    assert.equal(isAllMet(aReport([aFigure()])), true);
    const broken = aReport([], 'no server');
    assert.match(renderReport(broken), /not measured .* missed[\s\S]*bundle: no server/);
    assert.equal(isAllMet(broken), false);
  });

  it('answers a wrong command line with one sentence and 2', async () => {
    for (const [args, sentence] of [
      [['nope'], /"nope" is none: .*one of approve, lifecycle, parked, serving, yard\n$/],
      [[], /no name is none/],
      [['lifecycle', '--only', 'x'], /no row "x": its rows are demo, clone/],
      [['lifecycle', '--ony'], /--ony/],
    ] as const) {
      const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
      assert.match(said, sentence);
      assert.equal(said.trim().split('\n').length, 1);
      assert.equal(child.exitCode, 2);
    }
  });
});
