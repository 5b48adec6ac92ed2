import assert from 'node:assert/strict';
import type { LiveState, ServedVersion } from '../../../domain/live-state.js';
import { findProblems, promotionOf } from '../../../domain/reconcile/find-problems.js';
import type { Known, KnownModel } from '../../../domain/reconcile/known.js';
import { problemName } from '../../../domain/reconcile/problem.js';
import { followUpOf } from '../../../domain/reconcile/report.js';
import { followUpSchema } from '../../../domain/follow-up.js';
import { aDigest } from '../../../testing/builders.js';
import { anEvidence } from '../../adapters/registry/builders.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const RUN = '0195d1a0-0000-7000-8000-000000000001';
const PROMOTION = `${RUN}/promote/0123456789ab`;
const DIGEST = aDigest('version 2');

const approval = {
  ...({ role: 'data-science', decision: 'approved', by: 'ada', reason: 'reads well' } as const),
  ...{ evidence: aDigest('evidence'), signature: null, at: '2026-01-01T11:00:00Z' },
};

function aServed(overrides: Partial<ServedVersion> = {}): ServedVersion {
  return {
    ...{ digest: DIGEST, version: 2, artifact: 'model.onnx', evidence: aDigest('evidence') },
    ...{ decisions: [approval], since: '2026-01-01T11:00:00Z', promotion: `${PROMOTION}/3` },
    ...overrides,
  };
}

function aLive(overrides: Partial<LiveState> = {}): LiveState {
  return {
    ...{ schemaVersion: 1, model: 'tickets', generation: 4, writeId: 'w', live: DIGEST },
    ...{ withdrawn: [], served: [aServed()], frozen: null, audit: null, direct: [] },
    ...{ fellBack: null, made: null, journals: [], seal: null, journalsUntil: null },
    updatedAt: '2026-01-01T11:00:00Z',
    ...overrides,
  };
}

/** A model of which everything is as it must be. */
function aModel(overrides: Partial<KnownModel> = {}): KnownModel {
  return {
    model: 'tickets',
    live: aLive(),
    version: { digest: DIGEST, faults: [] },
    evidence: { ...anEvidence('tickets', DIGEST), baseline: aDigest('version 1') },
    replicas: [{ replica: 'one', digest: DIGEST, generation: 4, problem: null }],
    ...{ unfinished: [], unreadable: [], versions: 2, promoter: 'ended', knownGeneration: 4 },
    previousPromoter: null,
    ...overrides,
  };
}

const found = (model: Partial<KnownModel>, known: Partial<Known> = {}) =>
  findProblems({
    ...{ models: [aModel(model)], orphans: [], suspects: [], trust: null, now: NOW },
    ...known,
  });

const kindsOf = (model: Partial<KnownModel>, known: Partial<Known> = {}) =>
  found(model, known).problems.map(({ kind, remedy }) => `${kind}: ${remedy.do}`);

describe('findProblems', () => {
  it('finds nothing where all is as it must be, or nothing is there yet', () => {
    assert.deepEqual(found({}), { problems: [], suspects: [] });
    const nothing = { live: null, version: null, evidence: null, replicas: [], promoter: null };
    assert.deepEqual(kindsOf({ ...nothing, versions: 0, knownGeneration: 'not-running' }), []);
    assert.deepEqual(kindsOf({ live: aLive({ live: null, served: [] }), replicas: [] }), []);
  });

  it('undoes the promotion of a run that was cut off, and of no other', () => {
    const [half, ...others] = found({ promoter: 'cut-off' }).problems;
    assert.deepEqual(others, []);
    assert.deepEqual(half?.remedy, {
      do: 'undo-promotion',
      promoted: DIGEST,
      before: aDigest('version 1'),
      promotion: PROMOTION,
      generation: 4,
    });
    for (const promoter of ['open', 'ended', 'unknown'] as const) {
      assert.deepEqual(kindsOf({ promoter }), []);
    }
    const byFallback = aLive({ served: [aServed({ promotion: null })] });
    assert.deepEqual(kindsOf({ promoter: 'cut-off', live: byFallback }), []);
  });

  it('undoes what was promoted over since, where a fallback would go to it', () => {
    const other = `${RUN.slice(0, -1)}2/promote/0123456789ab`;
    const entry = (word: string, overrides: Partial<ServedVersion> = {}) =>
      aServed({ digest: aDigest(word), version: 1, promotion: null, ...overrides });
    const half = entry('half', { promotion: other });
    const live = aLive({ served: [aServed(), entry('bad'), half, entry('old')] });
    const withdrawn = { ...live, withdrawn: [aDigest('bad')] };

    const [problem, ...others] = found({ live: withdrawn, previousPromoter: 'cut-off' }).problems;
    assert.deepEqual(others, []);
    assert.equal(problem?.kind, 'half-deploy');
    assert.match(
      problem.sentence,
      /a fallback of tickets would go to version 1, which the run .*2 /,
    );
    assert.deepEqual(problem.remedy, {
      ...{ do: 'undo-promotion', promoted: aDigest('half'), before: aDigest('old') },
      ...{ promotion: other, generation: 4 },
    });
    assert.deepEqual(kindsOf({ live: withdrawn, previousPromoter: 'ended' }), []);
    assert.deepEqual(kindsOf({ live, previousPromoter: 'cut-off' }), []);
  });

  it('leaves a half-deploy to people where nobody knows what was live before', () => {
    const unreadable = [{ key: 'models/tickets/evidence/a/b.json', sentence: 'it is torn' }];
    assert.deepEqual(kindsOf({ promoter: 'cut-off', evidence: null, unreadable }), [
      'half-deploy: report',
      'unreadable: report',
    ]);
  });

  it('tells of a live version that is not there, not whole, another or withdrawn', () => {
    const sentences = (model: Partial<KnownModel>) =>
      found(model).problems.map(({ kind, sentence }) => {
        assert.equal(kind, 'live-incomplete');
        return sentence;
      });
    assert.match(sentences({ version: { digest: null, faults: [] } })[0] ?? '', /has no manifest/);
    const other = { digest: aDigest('other'), faults: [] };
    assert.match(sentences({ version: other })[0] ?? '', /in the bucket, not/);
    const faults = ['its file model.onnx is not there'];
    assert.match(sentences({ version: { digest: DIGEST, faults } })[0] ?? '', /model\.onnx is not/);
    assert.match(sentences({ live: aLive({ withdrawn: [DIGEST] }) })[0] ?? '', /withdrawn/);
    assert.match(sentences({ live: aLive({ served: [] }) })[0] ?? '', /does not describe/);
  });

  it('tells of a served version without its evidence, or the decisions that this needs', () => {
    assert.deepEqual(kindsOf({ evidence: null }), ['live-unproven: report']);
    const live = aLive({ served: [aServed({ decisions: [] })] });
    assert.match(
      found({ live }).problems[0]?.sentence ?? '',
      /is not approved: data-science did not approve/,
    );
    const elsewhere = { ...approval, evidence: aDigest('older') };
    assert.deepEqual(kindsOf({ live: aLive({ served: [aServed({ decisions: [elsewhere] })] }) }), [
      'live-unproven: report',
    ]);
  });

  it('lets liveModel adopt what it does not know, but not a write whose answer is on its way', () => {
    assert.deepEqual(kindsOf({ knownGeneration: 3 }), ['live-model-behind: adopt']);
    assert.deepEqual(kindsOf({ knownGeneration: 'not-running' }), ['live-model-behind: adopt']);
    const justNow = aLive({ updatedAt: '2026-01-01T11:59:55Z' });
    assert.deepEqual(kindsOf({ knownGeneration: 3, live: justNow }), []);
    assert.deepEqual(kindsOf({ knownGeneration: 5 }), ['live-went-back: report']);
    const removed = { live: null, version: null, evidence: null, promoter: null };
    assert.deepEqual(kindsOf({ ...removed, knownGeneration: 5 }), ['live-went-back: report']);
    assert.deepEqual(kindsOf({ ...removed, knownGeneration: 'not-running' }), []);
  });

  it('tells of a replica, or a liveModel, only once it is behind for a minute', () => {
    const replicas = [{ replica: 'one', digest: null, generation: 0, problem: 'out of memory' }];
    const first = found({ replicas, knownGeneration: 'no-answer' });
    assert.deepEqual(first.problems, []);
    assert.deepEqual(
      first.suspects.map(({ replica }) => replica),
      ['one', null],
    );
    const at = (ms: number) => ({ suspects: first.suspects, now: new Date(NOW.getTime() + ms) });
    assert.deepEqual(kindsOf({ replicas, knownGeneration: 'no-answer' }, at(59_000)), []);
    const late = found({ replicas, knownGeneration: 'no-answer' }, at(60_000));
    assert.deepEqual(late.suspects, first.suspects);
    assert.deepEqual(
      late.problems.map(({ kind }) => kind),
      ['replica-behind', 'live-model-behind'],
    );
    assert.match(late.problems[0]?.sentence ?? '', /one .* serves nothing .*: out of memory/);
    const moved = aLive({ generation: 5 });
    assert.deepEqual(kindsOf({ replicas, live: moved, knownGeneration: 5 }, at(60_000)), []);
    assert.deepEqual(found({}, at(60_000)), { problems: [], suspects: [] });
  });

  it('is another problem where a replica that had caught up is behind again', () => {
    const replicas = [{ replica: 'one', digest: null, generation: 0, problem: 'out of memory' }];
    const nameSince = (since: Date) => {
      const suspect = { model: 'tickets', replica: 'one', generation: 4 };
      const suspects = [{ ...suspect, since: since.toISOString() }];
      const { problems } = found(
        { replicas },
        { suspects, now: new Date(since.getTime() + 60_000) },
      );
      return problems.map(problemName).join();
    };
    assert.match(nameSince(NOW), /^replica-behind-[0-9a-f]{12}$/);
    assert.notEqual(nameSince(NOW), nameSince(new Date(NOW.getTime() + 3_600_000)));
  });

  it('has the same name for the same problem, and another for another', () => {
    const name = (model: Partial<KnownModel>) => {
      const [problem] = found(model).problems;
      return problem === undefined ? '' : problemName(problem);
    };
    assert.equal(name({ evidence: null }), name({ evidence: null, versions: 9 }));
    assert.notEqual(name({ knownGeneration: 3 }), name({ promoter: 'cut-off' }));
    assert.match(name({ promoter: 'cut-off' }), /^half-deploy-[0-9a-f]{12}$/);
  });

  it('makes a follow-up of what is reported', () => {
    const [problem] = found({ evidence: null }).problems;
    const followUp = problem === undefined ? null : followUpOf(problem, 'a note');
    assert.deepEqual(followUpSchema.parse(followUp), followUp);
    assert.equal(followUp?.owner, 'engineering');
    assert.match(followUp.key, /^reconcile-live-unproven-[0-9a-f]{12}$/);
  });
});

describe('promotionOf', () => {
  it('is the part that tries of one promotion share', () => {
    const expected = { run: RUN, promotion: PROMOTION };
    assert.deepEqual(promotionOf(PROMOTION), expected);
    assert.deepEqual(promotionOf(`${PROMOTION}/12`), expected);
    for (const other of [null, 'a-write', `${RUN}/undo-promotion/0123456789ab`, `x${PROMOTION}`]) {
      assert.equal(promotionOf(other), null);
    }
  });
});
