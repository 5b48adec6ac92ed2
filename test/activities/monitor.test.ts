import assert from 'node:assert/strict';
import { createMonitorActivities, type MonitorPorts } from '../../activities/monitor.js';
import { LabelFiles } from '../../adapters/monitoring/label-files.js';
import { PredictionLogReader } from '../../adapters/monitoring/prediction-log-reader.js';
import { WindowFiles } from '../../adapters/monitoring/window-files.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { ObjectSnapshots } from '../../adapters/snapshots/object-snapshots.js';
import { rowsSource } from '../../adapters/sources/rows-source.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import type { ModelSpecInput } from '../../domain/spec.js';
import { aSpec } from '../../testing/builders.js';
import { MemoryObjectStore } from '../../testing/memory-object-store.js';
import { runActivity } from './run-activity.js';

const MODEL = 'tickets';
const TEN = Date.parse('2026-03-01T10:00:00Z');
const HOUR = 3_600_000;

const ROWS: readonly Row[] = Array.from({ length: 10 }, (_, day) => ({
  ...{ id: `m-${day}`, label: day % 2 === 0 ? 'a' : 'b', text: 'hello' },
  at: `2026-01-${String(day + 1).padStart(2, '0')}T00:00:00.000Z`,
}));

const FUTURE: Row = { id: 'f', label: 'a', text: 'hello', at: '2199-01-01T00:00:00.000Z' };

function monitor(spec: Partial<ModelSpecInput>) {
  const store = new MemoryObjectStore();
  const ordered: unknown[] = [];
  const ports: MonitorPorts = {
    models: { [MODEL]: aSpec(spec) },
    registry: new ObjectRegistry(store),
    snapshots: new ObjectSnapshots(store, {
      mails: rowsSource(() => ROWS),
      future: rowsSource(() => [...ROWS, FUTURE]),
    }),
    predictions: new PredictionLogReader(store),
    windows: new WindowFiles(store),
    labels: new LabelFiles(store),
    monitorActions: {
      fallBack: (model, order, requestId) => {
        ordered.push({ model, ...order, requestId });
        return Promise.reject(new Error('not here'));
      },
      startLifecycle: (request) => {
        ordered.push(request);
        return Promise.resolve({ kind: 'started', workflowId: 'lifecycle/tickets/monitor' });
      },
    },
  };
  return { store, ordered, activities: createMonitorActivities(ports) };
}

describe('the monitor’s activities', () => {
  it('say in a sentence that a model, or its monitor, is gone', async () => {
    const { activities } = monitor({});
    const none = await runActivity(activities.planMonitor, { model: MODEL });
    const unknown = await runActivity(activities.planMonitor, { model: 'nails' });
    assert.match(none.kind === 'gone' ? none.reason : '', /neither monitor nor retrain\.onNewData/);
    assert.match(unknown.kind === 'gone' ? unknown.reason : '', /"nails" is no model of/);
  });

  it('write a window once, and a look never', async () => {
    const { activities, store } = monitor({ monitor: {} });
    const span = { model: MODEL, fromMs: TEN, untilMs: TEN + HOUR };
    const keys = async () => (await store.list(`models/${MODEL}/windows/`)).objects;
    const look = await runActivity(activities.judgeWindow, { ...span, keep: false });
    assert.equal(look.kind, 'judged');
    assert.equal((await keys()).length, 0);
    const first = await runActivity(activities.judgeWindow, { ...span, keep: true });
    const second = await runActivity(activities.judgeWindow, { ...span, keep: true });
    assert.deepEqual(second, first);
    assert.deepEqual(
      (await keys()).map(({ key }) => key),
      ['models/tickets/windows/2026-03-01/100000.json'],
    );
    assert.equal(first.kind === 'judged' && first.row.verdict, 'inconclusive');
  });

  it('count the rows that the next training would have and the last one did not', async () => {
    const train = { trainer: 'tickets', source: 'mails' };
    const { activities } = monitor({ train, retrain: { onNewData: {} } });
    const look = (since: string | null) =>
      runActivity(activities.lookForNewData, { model: MODEL, since });
    const newest = '2026-01-10T00:00:00.000Z';
    assert.deepEqual(await look(null), { rows: 10, newest, since: null });
    const since = '2026-01-07T00:00:00.000Z';
    assert.deepEqual(await look(since), { rows: 3, newest, since });
    assert.deepEqual(await look(newest), { rows: 0, newest: null, since: newest });
    const cut = { ...train, trainRows: { until: '2026-01-05T00:00:00Z' } };
    const narrow = monitor({ train: cut, retrain: { onNewData: {} } }).activities;
    const { rows } = await runActivity(narrow.lookForNewData, { model: MODEL, since: null });
    assert.equal(rows, 4);
  });

  it('do not wait for ever for rows newer than one of the future', async () => {
    const train = { trainer: 'tickets', source: 'future' };
    const { activities } = monitor({ train, retrain: { onNewData: {} } });
    const look = (since: string | null) =>
      runActivity(activities.lookForNewData, { model: MODEL, since });
    const newest = '2026-01-10T00:00:00.000Z';
    assert.deepEqual(await look(null), { rows: 10, newest, since: null });
    const { since } = await look('2199-01-01T00:00:00.000Z');
    assert.ok(since !== null && Date.parse(since) <= Date.now(), String(since));
  });

  it('start lifecycles and order fallbacks as the monitor of their model', async () => {
    const { activities, ordered } = monitor({ monitor: {} });
    await runActivity(activities.startRetraining, { model: MODEL, reason: 'drift' });
    assert.deepEqual(ordered, [{ model: MODEL, reason: 'drift', startedBy: 'monitor/tickets' }]);
  });
});
