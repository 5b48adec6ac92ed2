import assert from 'node:assert/strict';
import { liveDetails, noteOf } from '../../domain/live-details.js';
import type { LivePicture } from '../../domain/live-state.js';
import { recordedDecisionSchema } from '../../domain/decision.js';
import { aDecision, aDigest } from '../../testing/builders.js';

const since = '2026-01-02T03:04:05Z';
const version = (number: number) => ({ version: number, digest: aDigest(number), since });
const picture = (overrides: Partial<LivePicture> = {}): LivePicture => ({
  ...{ live: version(2), previous: version(1), withdrawn: [], frozen: null },
  ...overrides,
});

describe('liveDetails', () => {
  it('show what serves, where a fallback goes, and the JSON that orders it', () => {
    const text = liveDetails('tickets', picture(), { generation: 5, notes: [] });
    assert.match(text, /^## tickets: version 2 is live\n/);
    assert.match(text, /\| a fallback goes to\s+\| version 1 /);
    const json: unknown = JSON.parse(/```json\n([^`]*)```/.exec(text)?.[1] ?? '');
    assert.deepEqual(json, { leaving: aDigest(2), by: '<who you are>', reason: '<why>' });
    assert.match(text, /npx switchyard fallback tickets/);
    assert.match(text, /npx switchyard freeze tickets/);
  });

  it('offer the thaw while it is frozen, and say who froze it', () => {
    const frozen = { by: '*grace*', reason: 'audit', at: since };
    const text = liveDetails('tickets', picture({ frozen }), { generation: 6, notes: [] });
    assert.match(text, /\*\*Frozen\*\* by \\\*grace\\\* at 2026-01-02 03:04 UTC: audit\./);
    assert.match(text, /npx switchyard thaw tickets/);
    assert.doesNotMatch(text, /npx switchyard freeze/);
  });

  it('offer no fallback where nothing is live, or nothing is known yet', () => {
    const nothing = { generation: 0, notes: [] };
    const empty = picture({ live: null, previous: null });
    assert.doesNotMatch(liveDetails('tickets', empty, nothing), /fallback tickets/);
    assert.match(liveDetails('tickets', null, nothing), /Nothing has changed since/);
  });

  it('list the last changes, newest first', () => {
    const note = { at: since, by: 'ada', reason: 'a | b', answer: 'promoted' };
    const notes = [1, 2].map((generation) => ({
      ...note,
      what: `promote ${generation}`,
      generation,
    }));
    const text = liveDetails('tickets', picture(), { generation: 2, notes });
    assert.match(text, /promote 2, by ada: a \\\| b: \*\*promoted\*\*, generation 2\n.*promote 1/);
  });
});

describe('noteOf', () => {
  it('names who approved a promotion', () => {
    const decision = recordedDecisionSchema.parse({ ...aDecision({ by: 'grace' }), at: since });
    const candidate = {
      ...{ digest: aDigest(3), version: 3, artifact: 'model.onnx', evidence: aDigest('evidence') },
      decisions: [decision],
    };
    assert.deepEqual(noteOf({ kind: 'promote', candidate, baseline: null }, null), {
      ...{ what: 'promote version 3', by: 'grace (data-science)', reason: '' },
    });
  });

  it('takes who ordered a fallback and why', () => {
    const said = { by: 'grace', reason: 'wrong queues' };
    const { what, ...rest } = noteOf({ kind: 'fallback', leaving: aDigest(3) }, said);
    assert.deepEqual(rest, said);
    assert.match(what, /^fall back from [0-9a-f]{12}$/);
  });
});
