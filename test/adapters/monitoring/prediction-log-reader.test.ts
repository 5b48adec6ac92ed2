import assert from 'node:assert/strict';
import { LabelFiles } from '../../../adapters/monitoring/label-files.js';
import { PredictionLogReader } from '../../../adapters/monitoring/prediction-log-reader.js';
import { WindowFiles } from '../../../adapters/monitoring/window-files.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { isPortError } from '../../../domain/failures.js';
import { judgeWindow } from '../../../domain/monitor/judge-window.js';
import { LabelTable } from '../../../domain/monitor/labels.js';
import { RowKeys, rowKey } from '../../../domain/monitor/row-keys.js';
import { WindowCounter } from '../../../domain/monitor/window-tally.js';
import { aDigest } from '../../../testing/builders.js';
import { columnOf } from '../../../adapters/prediction-log/columns.js';
import { encodeColumns } from '../../../adapters/prediction-log/write-columns.js';
import type { ChunkedRequest } from '../../../adapters/prediction-log/row-chunk.js';
import { aLogged, logFile } from '../../support/log-files.js';
import { MemoryObjectStore } from '../../../testing/memory-object-store.js';

const MODEL = 'tickets';
const HOUR = 3_600_000;
const TEN = Date.parse('2026-03-01T10:00:00Z');
const SPAN = { fromMs: TEN, untilMs: TEN + HOUR };

const line = (requestId: string, atMs: number) => aLogged({ requestId, at: new Date(atMs) });

/** A log whose store writes at a time that the test sets. */
function aLog() {
  const clock = { nowMs: TEN };
  const store = new MemoryObjectStore(() => new Date(clock.nowMs));
  const registry = new ObjectRegistry(store);
  let objects = 0;
  const put = async (keyedMs: number, bytes: Uint8Array) => {
    objects += 1;
    await registry.appendPredictions(MODEL, new Date(keyedMs), `e-${objects}.parquet`, bytes);
  };
  const write = (keyedMs: number, requests: readonly ChunkedRequest[]) =>
    put(keyedMs, logFile(MODEL, requests));
  const read = async () => {
    const ids: string[] = [];
    let malformed = 0;
    for await (const batch of new PredictionLogReader(store).batches(MODEL, SPAN)) {
      ids.push(...batch.lines.map(({ requestId }) => requestId));
      malformed += batch.malformed;
    }
    return { ids: ids.sort(), malformed };
  };
  return { clock, store, put, write, read };
}

describe('PredictionLogReader', () => {
  it('reads the hours of a span and their neighbours', async () => {
    const { write, read } = aLog();
    await write(TEN, [line('inside', TEN + 1)]);
    await write(TEN - HOUR, [line('before, with a late one', TEN + 2)]);
    await write(TEN + HOUR, [line('after', TEN + HOUR)]);
    await write(TEN - 2 * HOUR, [line('long before', TEN - 2 * HOUR)]);
    assert.deepEqual((await read()).ids.slice(0, 3), [
      'after',
      'before, with a late one',
      'inside',
    ]);
  });

  it('finds what an endpoint could not write for hours, and leaves out what was written before', async () => {
    const { clock, write, read } = aLog();
    clock.nowMs = TEN - 3 * HOUR;
    await write(TEN - 3 * HOUR, [line('in time, of another hour', TEN - 3 * HOUR)]);
    clock.nowMs = TEN + HOUR + 1;
    await write(TEN - 3 * HOUR, [line('late', TEN + 5)]);
    assert.deepEqual((await read()).ids, ['late']);
  });

  it('counts malformed lines and files of the span’s own hours', async () => {
    const { put, write, read } = aLog();
    const whole = logFile(MODEL, [line('b', TEN), line('c', TEN)]);
    await write(TEN, [line('a', TEN), { ...line('of no latency', TEN), latencyMs: -1 }]);
    await put(TEN, whole.slice(0, -40)); // torn: nobody knows how many it had
    await put(TEN, Buffer.from('{"requestId":"of another format"}\n'));
    await put(TEN, encodeColumns([columnOf('x', [{ name: 'x', type: 'INT32' }], [1])]));
    await put(TEN + HOUR, whole.slice(0, -40));
    assert.deepEqual(await read(), { ids: ['a'], malformed: 4 });
  });

  it('feeds a window of a hundred thousand rows, each twice, in bounded memory', async () => {
    const { put, store } = aLog();
    for (let object = 0; object < 100; object += 1) {
      const ids = Array.from({ length: 1_000 }, (_, index) => `r-${object}-${index}`);
      const lines = ids.map((id, index) => line(id, TEN + object * 1_000 + index));
      const file = logFile(MODEL, lines);
      await put(TEN, file);
      await put(TEN, file);
    }
    const counter = new WindowCounter(SPAN, { digest: aDigest(1), profile: null });
    for await (const { lines } of new PredictionLogReader(store).batches(MODEL, SPAN)) {
      for (const each of lines) counter.add(each);
    }
    const { rows, requests, duplicates } = counter.tally();
    assert.deepEqual([rows, requests, duplicates], [100_000, 100_000, 100_000]);
  });
});

describe('WindowFiles', () => {
  const aWindow = (fromMs: number, reason: number) =>
    judgeWindow({
      ...{ model: MODEL, span: { fromMs, untilMs: fromMs + HOUR }, judgedAtMs: reason },
      ...{ live: null, profile: null, malformed: 0, checks: [], minSample: 1 },
      tally: new WindowCounter(SPAN, null).tally(),
    });

  it('writes a window once: whoever judges it again finds the first', async () => {
    const windows = new WindowFiles(new MemoryObjectStore());
    const first = await windows.put(aWindow(TEN, 1));
    assert.deepEqual(await windows.put(aWindow(TEN, 2)), first);
    assert.deepEqual(await windows.window(MODEL, TEN), first);
    assert.equal(await windows.window(MODEL, TEN + HOUR), null);
  });

  it('lists windows of a span in order', async () => {
    const store = new MemoryObjectStore();
    const windows = new WindowFiles(store);
    for (const hours of [30, 0, 1, -1]) await windows.put(aWindow(TEN + hours * HOUR, 1));
    await store.put(`models/${MODEL}/windows/2026-03-01/notes.txt`, Buffer.from('x'), 'none');
    const listed = await windows.list(MODEL, { fromMs: TEN, untilMs: TEN + 40 * HOUR });
    assert.deepEqual(
      listed,
      [0, 1, 30].map((hours) => ({ fromMs: TEN + hours * HOUR, hasAccuracy: false })),
    );
  });

  it('refuses a window that begins within a second', async () => {
    await assert.rejects(
      new WindowFiles(new MemoryObjectStore()).put(aWindow(TEN + 1, 1)),
      isPortError,
    );
  });
});

describe('LabelFiles', () => {
  it('keeps the same labels once, and says when there are others', async () => {
    const store = new MemoryObjectStore();
    const files = new LabelFiles(store);
    const labels = [{ requestId: 'r-1', row: 0, label: 'a' }];
    const before = await files.state(MODEL);
    assert.deepEqual(await files.add(MODEL, labels), { added: 1, known: 0 });
    assert.deepEqual(await files.add(MODEL, labels), { added: 0, known: 1 });
    assert.notEqual(await files.state(MODEL), before);
    const many = Array.from({ length: 45_000 }, (_, index) => ({
      requestId: `m-${index}`,
      row: 0,
      label: 'b',
    }));
    assert.deepEqual(await files.add(MODEL, many), { added: 45_000, known: 0 });
    const { objects } = await store.list(`models/${MODEL}/labels/`);
    assert.equal(objects.length, 4);
  });

  it('gives labels in the order of adding, from an instant on', async () => {
    let nowMs = 1_000;
    const files = new LabelFiles(new MemoryObjectStore(() => new Date(nowMs)));
    for (const label of ['a', 'b', 'c']) {
      await files.add(MODEL, [{ requestId: 'r', row: 0, label }]);
      nowMs += 1_000;
    }
    const found: string[] = [];
    for await (const batch of files.batches(MODEL, 2_000)) found.push(batch.labels[0]?.label ?? '');
    assert.deepEqual(found, ['b', 'c']);
  });
});

describe('LabelTable', () => {
  const label = (text: string, at?: string) => ({
    ...{ requestId: 'r', row: 0, label: text, ...(at !== undefined && { at }) },
  });

  it('takes the latest of several, and counts how often they differ', () => {
    const table = new LabelTable();
    table.add(label('old', '2026-03-01T00:00:00Z'), 5);
    table.add(label('new', '2026-03-02T00:00:00Z'), 6);
    table.add(label('older', '2026-02-01T00:00:00Z'), 7);
    assert.deepEqual([table.labelOf('r', 0), table.conflicts, table.size], ['new', 2, 1]);
    assert.equal(table.labelOf('r', 1), undefined);
  });

  it('takes the one that was added last where no time is said', () => {
    const table = new LabelTable();
    for (const [index, text] of ['a', 'a', 'b'].entries()) table.add(label(text), index);
    assert.deepEqual([table.labelOf('r', 0), table.conflicts], ['b', 1]);
  });
});

describe('RowKeys', () => {
  it('holds each of two hundred thousand rows once', () => {
    const keys = new RowKeys();
    for (let index = 0; index < 200_000; index += 1) {
      assert.ok(keys.add(rowKey(`request-${index >> 3}`, index & 7)), String(index));
    }
    assert.equal(keys.size, 200_000);
    assert.equal(keys.add(rowKey('request-7', 3)), false);
  });
});
