import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type LiveState } from '../../domain/live-state.js';
import { stepLive } from '../../domain/live-step.js';
import { retentionSpecSchema } from '../../domain/retention.js';
import {
  planSweep,
  type ModelInventory,
  type OpenWork,
  type StoredThing,
  type StoredVersion,
  type SweepGiven,
} from '../../domain/sweep.js';
import { aDigest } from '../../testing/builders.js';

const NOW = new Date('2026-06-01T12:00:00Z');
const DAY_MS = 86_400_000;
const NOTHING_OPEN: OpenWork = { digests: new Set(), since: null };

const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS);

const aThing = (key: string, days = 100): StoredThing => ({
  keys: [key],
  bytes: 10,
  newestAt: daysAgo(days),
});

const aVersion = (version: number, overrides: Partial<StoredVersion> = {}): StoredVersion => ({
  ...aThing(`models/tickets/versions/${version}/manifest.json`),
  version,
  digest: aDigest(`version ${version}`),
  isComplete: true,
  data: [aDigest(`rows of ${version}`)],
  ...overrides,
});

const aModel = (overrides: Partial<ModelInventory> = {}): ModelInventory => ({
  model: 'tickets',
  ...{ live: null, versions: [], documents: [], predictions: [], windows: [], labels: [] },
  regressions: [],
  ...overrides,
});

/** What `live.json` says after these versions went live in this order. */
function liveAfter(...versions: readonly number[]): LiveState | null {
  return versions.reduce<LiveState | null>((state, version) => {
    const candidate = {
      ...{ version, digest: aDigest(`version ${version}`), artifact: 'model.onnx' },
      ...{ evidence: aDigest('evidence'), decisions: [] },
    };
    const change = { kind: 'promote', candidate, baseline: state?.live ?? null } as const;
    const given = { model: 'tickets', writeId: `write-${version}`, now: NOW.toISOString() };
    return stepLive(state, change, given).next;
  }, null);
}

function plan(overrides: Partial<SweepGiven> & { model?: Partial<ModelInventory> } = {}) {
  const { model, ...others } = overrides;
  return planSweep({
    inventory: {
      ...{ models: [aModel(model)], staging: [], snapshots: [] },
      replacements: new Map<string, string>(),
    },
    open: NOTHING_OPEN,
    retention: { tickets: retentionSpecSchema.parse({ versions: 2 }) },
    includesShared: true,
    now: NOW,
    ...others,
  });
}

const deletedBy = (given: ReturnType<typeof plan>) =>
  given.items.filter(({ isDeleted }) => isDeleted).map(({ kind, name }) => `${kind} ${name}`);
const whyOf = (given: ReturnType<typeof plan>, name: string) =>
  given.items.find((each) => each.name === name)?.why;

describe('planSweep', () => {
  it('keeps the newest versions, and all that live.json remembers', () => {
    const versions = [6, 5, 4, 3, 2, 1].map((version) => aVersion(version));
    const planned = plan({ model: { versions, live: liveAfter(1, 3) } });
    assert.deepEqual(deletedBy(planned), ['version tickets 4', 'version tickets 2']);
    assert.equal(whyOf(planned, 'tickets 4'), 'beyond the newest 2');
    assert.equal(whyOf(planned, 'tickets 3'), 'live');
    assert.equal(whyOf(planned, 'tickets 1'), 'previous: a fallback goes to it');
    assert.equal(whyOf(planned, 'tickets 5'), 'among the newest');
  });

  it('keeps what an open workflow names, or may have made', () => {
    const versions = [4, 3, 2, 1].map((version) =>
      aVersion(version, aThing(`v${version}`, 10 - version)),
    );
    const named = { digests: new Set([aDigest('version 1')]), since: NOW };
    assert.deepEqual(deletedBy(plan({ model: { versions }, open: named })), ['version tickets 2']);
    const old = { digests: new Set<string>(), since: daysAgo(8) };
    const planned = plan({ model: { versions }, open: old });
    assert.deepEqual(deletedBy(planned), ['version tickets 1']);
    assert.equal(whyOf(planned, 'tickets 2'), 'newer than the oldest open workflow');
  });

  it('takes unfinished directories after a day, and never counts them as versions', () => {
    const versions = [
      aVersion(5, { isComplete: false, ...aThing('v5', 0.5) }),
      aVersion(4, { isComplete: false, ...aThing('v4', 2) }),
      ...[3, 2, 1].map((version) => aVersion(version)),
    ];
    assert.deepEqual(deletedBy(plan({ model: { versions } })), [
      'unfinished version tickets 4',
      'version tickets 1',
    ]);
  });

  it('takes reports of versions that are gone once they are old, and no others', () => {
    const aDocument = (name: string, manifest: string, days: number) => ({
      ...aThing(name, days),
      ...{ manifest: aDigest(manifest), digest: aDigest(name), snapshot: null },
    });
    const planned = plan({
      model: {
        versions: [aVersion(1)],
        documents: [
          aDocument('of a version that stays', 'version 1', 1_000),
          aDocument('young', 'version 0', 300),
          aDocument('old', 'version 0', 366),
        ],
      },
    });
    assert.equal(deletedBy(planned).length, 1);
    assert.match(deletedBy(planned)[0] ?? '', new RegExp(aDigest('old').slice(0, 12)));
  });

  it('takes days of the prediction log and windows by their day', () => {
    const day = (days: number) => daysAgo(days).toISOString().slice(0, 10);
    const aDay = (days: number) => ({ ...aThing(day(days), 0), day: day(days) });
    const planned = plan({
      model: { predictions: [aDay(89), aDay(92)], windows: [aDay(92), aDay(367)], labels: [] },
    });
    assert.deepEqual(deletedBy(planned), [
      `predictions tickets ${day(92)}`,
      `windows tickets ${day(367)}`,
    ]);
  });

  it('takes staging of ended or unknown runs after the limit, never of open ones', () => {
    const staged = (run: string, state: 'open' | 'ended' | 'unknown', days: number) => ({
      ...aThing(run, days),
      ...{ run, state, model: state === 'unknown' ? null : 'tickets' },
    });
    const staging = [
      staged('open', 'open', 400),
      staged('ended', 'ended', 8),
      staged('just ended', 'ended', 6),
      staged('gone', 'unknown', 8),
      staged('new', 'unknown', 1),
    ];
    const inventory = {
      models: [aModel()],
      staging,
      snapshots: [],
      replacements: new Map<string, string>(),
    };
    assert.deepEqual(deletedBy(plan({ inventory })), [
      'staging tickets ended',
      'staging unknown gone',
    ]);
    const ofOne = plan({ inventory, includesShared: false });
    assert.deepEqual(deletedBy(ofOne), ['staging tickets ended']);
  });

  it('keeps snapshots that a kept version or report names, whichever model it is of', () => {
    const snapshot = (rows: string) => ({
      ...aThing(`datasets/mails/${rows}`),
      ...{ source: 'mails', digest: aDigest(rows) },
    });
    const inventory = {
      models: [
        aModel({
          versions: [3, 2, 1].map((version) => aVersion(version)),
          documents: [
            {
              ...aThing('report'),
              ...{ manifest: aDigest('version 3'), digest: aDigest('report') },
              snapshot: aDigest('held out'),
            },
          ],
        }),
        aModel({ model: 'another', versions: [aVersion(9)] }),
      ],
      staging: [],
      snapshots: ['rows of 1', 'held out', 'rows of 9', 'in use', 'instead of 3'].map(snapshot),
      replacements: new Map([
        [aDigest('rows of 3'), aDigest('rows in between')],
        [aDigest('rows in between'), aDigest('instead of 3')],
      ]),
    };
    const open = { digests: new Set([aDigest('in use')]), since: NOW };
    const planned = plan({ inventory, open });
    assert.deepEqual(deletedBy(planned), [
      'version tickets 1',
      `snapshot mails ${aDigest('rows of 1').slice(0, 12)}`,
    ]);
    assert.equal(
      plan({ inventory, open, includesShared: false }).items.some(
        ({ kind }) => kind === 'snapshot',
      ),
      false,
    );
  });

  it('names exactly what is deleted by its digest', () => {
    const versions = [4, 3, 2, 1].map((version) => aVersion(version));
    const first = plan({ model: { versions } });
    assert.equal(
      plan({ model: { versions }, now: new Date(NOW.getTime() + 1_000) }).digest,
      first.digest,
    );
    assert.notEqual(plan({ model: { versions, live: liveAfter(1) } }).digest, first.digest);
  });

  it('never takes a served version, whatever the history', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        (count, promoted, kept) => {
          const versions = Array.from({ length: count }, (_, index) => aVersion(count - index));
          const live = liveAfter(...new Set(promoted.filter((each) => each <= count)));
          const retention = { tickets: retentionSpecSchema.parse({ versions: kept }) };
          const planned = plan({ model: { versions, live }, retention });
          const gone = new Set(deletedBy(planned));
          for (const served of live?.served ?? []) {
            assert.ok(!gone.has(`version tickets ${served.version}`));
          }
          assert.ok(count - gone.size >= Math.min(kept, count));
        },
      ),
    );
  });
});
