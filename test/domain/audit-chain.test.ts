import assert from 'node:assert/strict';
import { chainProblems, type ChainLink } from '../../domain/audit-chain.js';
import { digestOfJson } from '../../domain/digest.js';
import type { LiveChange, LiveState } from '../../domain/live-state.js';
import { digestToSeal } from '../../domain/signing/seal.js';
import { stepLive } from '../../domain/live-step.js';
import { aDigest } from '../../testing/builders.js';

const promote = (name: string, over: string | null): LiveChange => ({
  kind: 'promote',
  baseline: over === null ? null : aDigest(over),
  candidate: {
    ...{ digest: aDigest(name), version: 1, artifact: 'model.onnx' },
    ...{ evidence: aDigest(`evidence of ${name}`), decisions: [] },
  },
});

/** Each state that changes leave, with the digest of the one before. */
function chainOf(changes: readonly LiveChange[]): ChainLink[] {
  const links: ChainLink[] = [];
  for (const [index, change] of changes.entries()) {
    const before = links.at(-1);
    const now = '2026-01-01T00:00:00.000Z';
    const given = { model: 'tickets', writeId: `write-${index}`, now };
    const { next, kind } = stepLive(before?.state ?? null, change, given);
    if (next === null) throw new Error(`nothing was written: ${kind}`);
    links.push(linkOf({ ...next, audit: before ? { previous: before.digest } : null }));
  }
  return links;
}

const linkOf = (state: LiveState, generation = state.generation): ChainLink => ({
  ...{ generation, state, toSeal: digestToSeal(state) },
  digest: digestOfJson(state),
});

const HISTORY = [
  promote('a', null),
  promote('b', 'a'),
  { kind: 'fallback', leaving: aDigest('b') },
  { kind: 'freeze', by: 'grace', reason: 'an audit' },
  { kind: 'thaw', by: 'grace', reason: 'it is over' },
] as const satisfies readonly LiveChange[];

function found(
  links: readonly ChainLink[],
  given: Partial<Parameters<typeof chainProblems>[0]> = {},
) {
  const lines = links.slice(0, -1);
  const live = links.at(-1) ?? null;
  const problems = chainProblems({ lines, live, trust: null, heads: [], ...given });
  return problems.map(({ kind, generation }) => `${kind} ${generation}`);
}

describe('chainProblems', () => {
  const links = chainOf(HISTORY);

  it('finds nothing in what was written, nor where a writer was killed before it wrote over', () => {
    assert.deepEqual(found(links), []);
    assert.deepEqual(found([...links, ...links.slice(-1)]), []);
    assert.deepEqual(found([]), []);
  });

  it('names what was dropped once, however many there were', () => {
    assert.deepEqual(found(links.toSpliced(1, 1)), ['missing 2']);
    assert.deepEqual(found(links.slice(2)), ['missing 2']);
    const far = links
      .slice(0, 1)
      .concat(linkOf({ ...(links[4]?.state ?? assert.fail()), generation: 1e9 }));
    assert.deepEqual(found(far), ['missing 999999999']);
  });

  it('names what was changed, and not what that one says of others', () => {
    const other = { ...links[2], digest: aDigest('other') };
    const unreadable = { generation: 3, digest: aDigest('other'), state: null, toSeal: '' };
    for (const changed of [{ ...unreadable, ...other }, unreadable]) {
      assert.deepEqual(found(links.with(2, changed)), ['changed 3']);
    }
  });

  it('names what is older than the first, and what live.json has not come to', () => {
    const late = chainOf(HISTORY.slice(0, 2)).map(({ state }) => state ?? assert.fail());
    const young = linkOf({ ...(late[1] ?? assert.fail()), audit: null });
    assert.deepEqual(found([...links.slice(0, 1), young]), ['foreign 1']);
    assert.deepEqual(found(links, { live: links[2] ?? null }), ['foreign 4']);
    assert.deepEqual(found(links, { live: null }), ['missing 5']);
  });

  it('names a step that no change makes', () => {
    const [first, second, third] = links.map(({ state }) => state ?? assert.fail());
    assert.ok(first && second && third);
    const chained = (state: LiveState, before: LiveState) =>
      linkOf({ ...state, audit: { previous: digestOfJson(before) } });
    const forgotten = chained({ ...third, withdrawn: [], made: null, generation: 4 }, third);
    assert.deepEqual(found([...links.slice(0, 3), forgotten]), ['pointer 4']);
    const elsewhere = chained({ ...third, live: aDigest('c') }, second);
    assert.deepEqual(found([...links.slice(0, 2), elsewhere]), ['pointer 3']);
    const frozen = { ...first, frozen: { by: 'x', reason: 'y', at: first.updatedAt } };
    assert.deepEqual(found([linkOf(frozen), chained(second, frozen)]), ['pointer 2']);
  });

  it('knows a head again, and sees that what was kept is not there any more', () => {
    const { generation, digest } = links[4] ?? assert.fail();
    assert.deepEqual(found(links, { heads: [{ generation, digest }] }), []);
    const cut = links.slice(0, 3);
    assert.deepEqual(found(cut), [], 'nothing else can tell');
    assert.deepEqual(found(cut, { heads: [{ generation, digest }] }), ['missing 5']);
    const anew = { generation: 2, digest: aDigest('another') };
    assert.deepEqual(found(links, { heads: [anew] }), ['missing 2']);
  });
});
