import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { findPerson } from '../../../adapters/forget/find-person.js';
import { forgetPerson } from '../../../adapters/forget/forget-person.js';
import { auditBucket } from '../../../adapters/registry/audit/audit-bucket.js';
import { pageKey } from '../../../adapters/registry/keys.js';
import { readReport } from '../../../adapters/registry/read-report.js';
import { assembleReport } from '../../../domain/report/evidence-report.js';
import { renderReport } from '../../../domain/report/render-report.js';
import { LabelFiles } from '../../../adapters/monitoring/label-files.js';
import { bytesFile, readRows } from '../../../adapters/prediction-log/parquet-file.js';
import { monitoredLines } from '../../../adapters/prediction-log/monitored-lines.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { ObjectSnapshots } from '../../../adapters/snapshots/object-snapshots.js';
import type { ParityReport, TestReport } from '../../../domain/evidence.js';
import type { Row } from '../../../domain/ports/dataset-source.js';
import type { ObjectStore, WriteCondition } from '../../../domain/ports/object-store.js';
import { shownInput } from '../../../domain/shown-input.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';
import { aLogged, logFile, loggedRows } from '../../support/log-files.js';
import { ownBucket } from '../../support/own-bucket.js';
import { aFolder, aManifest, anEvidence, aTestReport, failure } from '../registry/builders.js';

const ADA = 'Ada "Countess" Lovelace';
const SECRET = 'my engine weaves algebraical patterns, Größe 😀';
const MODEL = 'tickets';
const HER_REQUEST = 'request-of-hers';
const NOW = new Date('2026-06-01T12:00:00Z');

const rowOf = (id: string, day: number, fields: Partial<Row>): Row => ({
  ...{ id, at: `2026-01-0${day}T00:00:00.000Z`, label: id.length % 2 === 0 ? 'no' : 'yes' },
  ...{ text: `the words of ${id}`, customer: 'bob' },
  ...fields,
});

const ROWS: readonly Row[] = [
  rowOf('a1', 1, {}),
  rowOf('a22', 2, {}),
  rowOf('hers', 3, { customer: ADA, text: SECRET, slice: ADA }),
  rowOf('b11', 5, {}),
  rowOf('b2', 6, {}),
  rowOf('hers too', 7, { customer: ADA, text: `${SECRET} again` }),
];
const TRAIN = { until: '2026-01-04T00:00:00Z' };
const HELD_OUT = { from: '2026-01-04T00:00:00Z' };

/** A bucket with everything that a person's rows get into. */
async function lifeOf(store: ObjectStore) {
  const snapshots = new ObjectSnapshots(store, {
    mails: {
      rows: (cut) =>
        Promise.resolve(
          ROWS.filter(
            ({ at }) =>
              (cut.until === undefined || at < cut.until) &&
              (cut.from === undefined || at >= cut.from),
          ),
        ),
    },
  });
  const registry = new ObjectRegistry(store);
  const [train, heldOut] = [
    await snapshots.take('mails', TRAIN),
    await snapshots.take('mails', HELD_OUT),
  ];
  const files = { 'model.onnx': 'graph' };
  await using folder = await aFolder(files);
  const base = aManifest(MODEL, files);
  const version = await registry.publish(
    { ...base, lineage: { ...base.lineage, data: [train.digest] } },
    folder.path,
  );
  const inputs = ROWS.slice(3).map((row) => shownInput(row, 'yes instead of no'));
  const parity: ParityReport = {
    ...{ schemaVersion: 1, model: MODEL, rows: 3, labelFlips: 0, maxProbabilityDifference: 0 },
    ...{ limit: 0.1, passed: true, inputs },
  };
  const gate = { metric: 'accuracy', min: 0.5, minSample: 1 } as const;
  const report: TestReport = {
    ...aTestReport(MODEL, version.digest),
    heldOut: heldOut.digest,
    measurements: [
      { metric: 'accuracy', value: 0.5, sample: 3, inputs },
      {
        ...{ metric: 'slice-accuracy', value: 0.5, sample: 3, inputs: [] },
        slices: [
          { slice: ADA, value: 0.5, sample: 1 },
          { slice: 'yes', value: 1, sample: 2 },
        ],
      },
    ],
    results: [
      {
        gate,
        verdict: 'passed',
        value: 0.5,
        sample: 3,
        reason: `slice-accuracy: below 0.9 in ${ADA} 0.500 (1 rows)`,
      },
    ],
    findings: [{ gate, owner: 'data-science', reason: 'too low', inputs }],
  };
  const testReport = await registry.putEvidence(MODEL, version.digest, report);
  const parityReport = await registry.putEvidence(MODEL, version.digest, parity);
  const shown = { version: 1, digest: version.digest, manifest: version.manifest, parity };
  const pageOf = (of: TestReport) =>
    renderReport(
      assembleReport({ ...shown, report: of, plots: null, baselineVersion: null, roles: [] }),
    );
  const page = await registry.putPage(MODEL, version.digest, pageOf(report));
  // one whose evidence was never written, since the worker died
  const orphan = await registry.putPage(
    MODEL,
    version.digest,
    pageOf({ ...report, machine: 'another machine' }),
  );
  const other = await registry.putPage(MODEL, version.digest, '<p>of bob only</p>');
  const evidence = { ...anEvidence(MODEL, version.digest), testReport, parityReport, page };
  await registry.putEvidence(MODEL, version.digest, evidence);
  await logAndLabel(store, registry);
  const pages = { page, orphan, other };
  return { snapshots, registry, train, heldOut, version, testReport, parityReport, report, pages };
}

async function logAndLabel(store: ObjectStore, registry: ObjectRegistry): Promise<void> {
  const line = (requestId: string, customer: string | null, text: string) =>
    aLogged({ requestId, customer }, text);
  const at = new Date('2026-05-01T10:00:00Z');
  const append = (name: string, bytes: Uint8Array) =>
    registry.appendPredictions(MODEL, at, name, bytes);
  const mixed = [
    line('r-1', 'bob', 'hello'),
    line(HER_REQUEST, ADA, SECRET),
    line('r-3', null, 'hi'),
  ];
  await append('one.parquet', logFile(MODEL, mixed));
  await append('two.parquet', logFile(MODEL, [line('r-4', ADA, SECRET)]));
  await append('three.parquet', logFile(MODEL, [line('r-5', ADA, SECRET)]).slice(0, -30)); // torn
  await append('four.parquet', logFile(MODEL, [line('r-6', 'bob', `as ${ADA.slice(0, 3)} said`)]));
  await new LabelFiles(store).add(MODEL, [
    { requestId: 'r-1', row: 0, label: 'no' },
    { requestId: HER_REQUEST, row: 0, label: 'yes' },
  ]);
}

const forget = (store: ObjectStore, fields: { anonymise?: boolean; reason?: string } = {}) =>
  forgetPerson({
    ...{ store, customer: ADA, reason: fields.reason ?? 'on request', now: NOW },
    linesOf: () => (fields.anonymise === true ? 'anonymise' : 'delete'),
  });

/** Every object with any of these words in it, as a search of the bytes finds it, and of what is compressed in them. */
async function objectsWith(
  store: ObjectStore,
  ...words: readonly string[]
): Promise<readonly string[]> {
  const { objects } = await store.list('');
  const found = await Promise.all(
    objects.map(async ({ key }) => {
      const bytes = Buffer.from((await store.get(key))?.bytes ?? []);
      const rows = key.endsWith('.parquet')
        ? await readRows(bytesFile(bytes)).catch(() => []) // the torn one
        : [];
      const shown = rows.flatMap((row) => Object.values(row).map(String)).join(' ');
      const texts = [bytes, key, shown];
      return words.some((word) => texts.some((text) => text.includes(word))) ? [key] : [];
    }),
  );
  return found.flat();
}

const HER_WORDS = [ADA, JSON.stringify(ADA), 'Lovelace', 'algebraical', 'hers too', HER_REQUEST];

for (const [where, openStore] of [
  ['in memory', () => Promise.resolve(new MemoryObjectStore())],
  ['on S3', async () => (await ownBucket()).store],
] as const) {
  describe(`forgetting a person ${where}`, () => {
    it('shows where the rows lie, and changes nothing by it', async () => {
      const store: ObjectStore = await openStore();
      const { train, heldOut, testReport, parityReport, pages } = await lifeOf(store);
      const before = (await store.list('')).objects.map(({ key }) => key);
      const traces = await findPerson(store, ADA);
      assert.deepEqual(
        new Map(traces.snapshots.map(({ digest, rows, of }) => [digest, [rows, of]])),
        new Map([
          [train.digest, [1, 3]],
          [heldOut.digest, [1, 3]],
        ]),
      );
      assert.deepEqual(
        traces.predictions.map(({ key, lines }) => [key.split('/').at(-1), lines]),
        [
          ['one.parquet', 1],
          ['three.parquet', 1],
          ['two.parquet', 1],
        ],
      );
      assert.deepEqual(
        traces.labels.map(({ lines }) => lines),
        [1],
      );
      assert.deepEqual(
        new Set(traces.reports.map(({ digest }) => digest)),
        new Set([testReport, parityReport]),
      );
      assert.equal(traces.reports[0]?.lifecycles.length, 1);
      assert.deepEqual(
        new Set(traces.pages.map(({ digest }) => digest)),
        new Set([pages.page, pages.orphan]),
      );
      assert.deepEqual(traces.versions, [{ model: MODEL, version: 1, snapshot: train.digest }]);
      assert.deepEqual(
        (await store.list('')).objects.map(({ key }) => key),
        before,
      );
      assert.equal((await findPerson(store, 'Lovelace')).snapshots.length, 0);
    });

    it('leaves neither the person nor the text in any byte of the bucket', async () => {
      const store: ObjectStore = await openStore();
      const life = await lifeOf(store);
      assert.ok((await objectsWith(store, ...HER_WORDS)).length > 5);
      const { deletion } = await forget(store);
      assert.deepEqual(await objectsWith(store, ...HER_WORDS), []);
      const { rows, snapshots, predictions, labels, reports, finishedAt } = deletion;
      assert.deepEqual([rows, snapshots, predictions, labels, reports], [2, 2, 3, 1, 2]);
      assert.equal(finishedAt, NOW.toISOString());
      assert.equal((await loggedRows(store, MODEL)).length, 3);

      const again = await forget(store);
      assert.deepEqual(again.deletion, deletion);

      // the registry follows a report to its copy: everything but her inputs is as it was
      const { registry, version, testReport, report } = life;
      const copy =
        (await registry.testReport(MODEL, version.digest, testReport)) ??
        assert.fail('there is no copy');
      assert.equal(copy.verdict, report.verdict);
      const [shown] = copy.findings.map(({ inputs }) => inputs.map(({ id }) => id));
      assert.deepEqual(shown, ['b11', 'b2', '[deleted]']);

      // its pages are gone, the one of others stays, and what is rendered now shows nothing of her
      const { objects } = await store.list(`models/${MODEL}/evidence/${version.digest}/`);
      const left = objects.filter(({ key }) => key.endsWith('.html')).map(({ key }) => key);
      assert.deepEqual(left, [pageKey(MODEL, version.digest, life.pages.other)]);
      const read = await readReport({ store, registry }, version);
      assert.ok(read.kind === 'read');
      const now = renderReport(read.report);
      assert.ok(now.includes('[deleted]') && now.includes('the words of b2'));
      for (const word of HER_WORDS) assert.ok(!now.includes(word), word);
      const { problems } = await auditBucket(store);
      assert.deepEqual(
        problems.filter(({ key }) => key.includes(version.digest)),
        [],
      );
    });

    it('leaves tombstones that name what replaces a snapshot, which the source cannot undo', async () => {
      const store: ObjectStore = await openStore();
      const { snapshots, train, heldOut } = await lifeOf(store);
      await forget(store);
      const taken = await snapshots.take('mails', TRAIN);
      assert.notEqual(taken.digest, train.digest);
      assert.deepEqual(
        (await snapshots.rows(taken)).map(({ id }) => id),
        ['a1', 'a22'],
      );
      await assert.rejects(
        snapshots.rows(train),
        failure('SnapshotReplaced', new RegExp(`replaced by ${taken.digest} on 2026-06-01`)),
      );
      await using folder = await aFolder();
      await assert.rejects(
        snapshots.fetch(heldOut, `${folder.path}/rows.jsonl`),
        failure('SnapshotReplaced', /start again/),
      );
      assert.deepEqual(await objectsWith(store, ...HER_WORDS), []);
    });
  });
}

describe('forgetting a person', () => {
  it('keeps lines without person, text and request where retention says so', async () => {
    const store = new MemoryObjectStore();
    await lifeOf(store);
    await forget(store, { anonymise: true });
    assert.deepEqual(await objectsWith(store, ...HER_WORDS), []);
    const rows = await loggedRows(store, MODEL);
    assert.equal(rows.length, 5, 'the torn one is gone');
    const inputs = rows.map((row) => row['input_text'] ?? null).sort();
    assert.deepEqual(inputs, ['as Ada said', 'hello', 'hi', null, null]);
    const { objects } = await store.list(`predictions/${MODEL}/`);
    for (const { key } of objects) {
      const read = await monitoredLines((await store.get(key))?.bytes ?? new Uint8Array());
      assert.equal(read.malformed, 0);
      for (const line of read.lines) assert.deepEqual([line.label, line.version], ['yes', 1]);
    }
  });

  it('ends what was killed at any of its writes', async () => {
    const reference = new MemoryObjectStore();
    await lifeOf(reference);
    await forget(reference);
    const expected = (await reference.list('')).objects.length;
    for (let writes = 0; ; writes += 1) {
      const store = new DyingStore();
      await lifeOf(store);
      store.writesLeft = writes;
      const ended = await forget(store).then(
        () => true,
        () => false,
      );
      store.writesLeft = Number.POSITIVE_INFINITY;
      await forget(store);
      assert.deepEqual(await objectsWith(store, ...HER_WORDS), [], `killed after ${writes} writes`);
      assert.equal((await store.list('')).objects.length, expected);
      if (ended) break;
      assert.ok(writes < 100);
    }
  });

  it('takes a reason in which the name is only part of another word', async () => {
    const given = { customer: 'ada', now: NOW, linesOf: () => 'delete' as const };
    const store = new MemoryObjectStore();
    await forgetPerson({ ...given, store, reason: 'asked for in Canada' });
    await assert.rejects(
      forgetPerson({ ...given, store, reason: 'Ada, who asked' }),
      failure('InvalidRequest', /names the person/),
    );
  });

  it('does not take a staged file for the person’s where only an empty text is the same', async () => {
    const store = new MemoryObjectStore();
    const rows = [rowOf('empty', 1, { customer: ADA, text: '' }), rowOf('b', 2, {})];
    await new ObjectSnapshots(store, {}).store('mails', rows);
    const staged = (id: string) =>
      Buffer.from(JSON.stringify({ inputs: [{ id, excerpt: '', detail: '' }] }));
    const [own, other] = [randomUUID(), randomUUID()];
    await store.put(`staging/${own}/test/1/quality.json`, staged('empty'), 'none');
    await store.put(`staging/${other}/test/1/quality.json`, staged('b'), 'none');
    const { staging } = await findPerson(store, ADA);
    assert.deepEqual(
      staging.map(({ run }) => run),
      [own],
    );
  });

  it('refuses an empty name, which every row without a customer would seem to have', async () => {
    await assert.rejects(
      findPerson(new MemoryObjectStore(), ''),
      failure('InvalidRequest', /empty/),
    );
  });

  it('does not take a reason that names the person', async () => {
    const store = new MemoryObjectStore();
    await assert.rejects(
      forget(store, { reason: `${ADA.toUpperCase()} asked for it` }),
      failure('InvalidRequest', /names the person/),
    );
    assert.deepEqual((await store.list('')).objects, []);
  });
});

/** A store that fails after some writes, as when the process was killed there. */
class DyingStore extends MemoryObjectStore {
  writesLeft = Number.POSITIVE_INFINITY;

  override async delete(key: string): Promise<void> {
    this.#write();
    await super.delete(key);
  }

  override async put(key: string, bytes: Uint8Array, condition: WriteCondition) {
    this.#write();
    return super.put(key, bytes, condition);
  }

  #write(): void {
    if (this.writesLeft === 0) throw new Error('killed');
    this.writesLeft -= 1;
  }
}
