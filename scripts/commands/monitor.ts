import { PortError } from '../../domain/failures.js';
import { windowSpan } from '../../domain/monitor/details.js';
import type { MonitorState } from '../../domain/monitor/state.js';
import type { WindowRow } from '../../domain/monitor/window.js';
import { monitorWorkflowId } from '../../workflows/monitor-messages.js';
import { defineCommand } from './terminal/define-command.js';
import { requireKnownModel } from './terminal/known-model.js';
import { thisPerson } from './terminal/person.js';
import { answered, inSession } from './terminal/session.js';
import { renderTable } from './terminal/table.js';
import { typed } from './terminal/words.js';

/** How long a start waits for the first look at the specification: one that asks for nothing ends the monitor there. */
const FIRST_LOOK_MS = 1_000;

const ORDER = {
  reason: { type: 'string', value: 'TEXT', about: 'why, for people' },
  by: { type: 'string', value: 'WHO', about: 'who orders it; git’s user.email where left out' },
} as const;

/** `switchyard monitor start <model>`: watches what serves; a worker's start does it too. */
export const runMonitorStart = defineCommand({
  name: 'monitor start',
  takes: '<model>',
  summary: 'watches what serves, as the specification says; every worker’s start does it too',
  options: {},
  run: ({ words: [model = ''], terminal }) =>
    inSession(terminal, async (session) => {
      await requireKnownModel(session, model);
      await session.requireWorker();
      const standing = await answered(terminal, 'monitor', session.monitors.start(model));
      const ended = await session.monitors.endWithin(model, FIRST_LOOK_MS);
      if (ended !== null) throw new PortError('InvalidRequest', ended);
      return {
        lines: [`the monitor of ${model} runs${standing.paused ? ', paused' : ''}`],
        facts: { model, ...standing },
        webUi: session.page(monitorWorkflowId(model)),
        next: [typed('monitor', 'status', model)],
      };
    }),
});

/** `switchyard monitor pause <model>`: judges nothing until `resume`. */
export const runMonitorPause = ordering('pause', 'judges nothing and does nothing until resume');

/** `switchyard monitor resume <model>`. */
export const runMonitorResume = ordering(
  'resume',
  'goes on with the window that is under way; those of the pause are left out',
);

function ordering(name: 'pause' | 'resume', summary: string) {
  return defineCommand({
    ...{ name: `monitor ${name}`, takes: '<model>', summary, options: ORDER },
    run: async ({ values, words: [model = ''], terminal }) => {
      const by = values.by ?? (await thisPerson());
      const order = { by, reason: values.reason ?? 'no reason given' };
      return inSession(terminal, async (session) => {
        await session.requireWorker();
        const given = session.monitors[name](model, order);
        const standing = await answered(terminal, `${name} of the monitor`, given);
        return {
          lines: [`the monitor of ${model} ${standing.paused ? 'is paused' : 'goes on'}`],
          facts: { model, ...standing, ...order },
          webUi: session.page(monitorWorkflowId(model)),
          next: [typed('monitor', name === 'pause' ? 'resume' : 'status', model)],
        };
      });
    },
  });
}

/** `switchyard monitor status <model>`: the last windows, and what the monitor did. */
export const runMonitorStatus = defineCommand({
  name: 'monitor status',
  takes: '<model>',
  summary: 'the last windows with their verdicts, and what the monitor did',
  options: {
    now: { type: 'boolean', about: 'judges the last window’s length up to now too' },
  },
  run: ({ values, words: [model = ''], terminal }) =>
    inSession(terminal, async (session) => {
      await session.requireWorker();
      const state = await answered(terminal, 'monitor', session.monitors.state(model));
      const look = values.now
        ? await answered(terminal, 'judging', session.monitors.checkNow(model))
        : null;
      return {
        lines: linesOf(model, state, look),
        facts: { model, ...state, now: look },
        webUi: session.page(monitorWorkflowId(model)),
        next: [typed('monitor', state.paused === null ? 'pause' : 'resume', model)],
      };
    }),
});

function linesOf(
  model: string,
  { paused, verdict, silent, rows, notes }: MonitorState,
  look: WindowRow | null,
): readonly string[] {
  const standing =
    paused === null
      ? `last verdict ${verdict ?? 'none yet'}${silent > 0 ? `, ${silent} windows without one` : ''}`
      : `paused by ${paused.by} since ${paused.at}: ${paused.reason}`;
  const shown = [...rows, ...(look === null ? [] : [look])];
  const head = ['window', 'version', 'verdict', 'rows', 'what'];
  return [
    `${model}: ${standing}`,
    ...(shown.length === 0 ? [] : renderTable([head, ...shown.map(rowOf)])),
    ...notes.map(({ at, text }) => `${at} ${text}`),
  ];
}

function rowOf({ kind, from, until, version, verdict, rows, reason }: WindowRow) {
  const what = kind === 'accuracy' ? `accuracy: ${reason}` : reason;
  return [
    windowSpan({ from, until }),
    version === null ? '-' : String(version),
    verdict,
    String(rows),
    what,
  ];
}
