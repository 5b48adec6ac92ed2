import type { ListedSchedule } from '../../client/schedules.js';
import type { Answer } from './terminal/answer.js';
import { defineCommand } from './terminal/define-command.js';
import { thisPerson } from './terminal/person.js';
import { answered, inSession, type Session } from './terminal/session.js';
import { renderTable } from './terminal/table.js';
import type { Terminal } from './terminal/terminal.js';
import { typed } from './terminal/words.js';

const REASON = {
  reason: { type: 'string', value: 'TEXT', about: 'why, for people; it shows in the web UI' },
} as const;

/** `switchyard schedule list`: when models are trained without anybody asking. */
export const runScheduleList = defineCommand({
  name: 'schedule list',
  takes: '',
  summary: 'the schedules that train models: next start, last start, whether they are paused',
  options: {},
  run: ({ terminal }) =>
    inSession(terminal, async (session) => {
      const schedules = await terminal.during('reading schedules', session.schedules.list());
      const [first] = schedules;
      return {
        lines: schedules.length === 0 ? ['no schedules'] : renderTable(rowsOf(schedules)),
        facts: { schedules },
        webUi: schedulesPage(session),
        next:
          first === undefined
            ? [typed('status')]
            : [typed('schedule', first.paused ? 'resume' : 'trigger', first.model)],
      };
    }),
});

/** `switchyard schedule pause <model>`: starts nothing until `resume`, whatever workers start meanwhile. */
export const runSchedulePause = changing(
  'pause',
  'starts nothing until resume, whatever workers start meanwhile',
  (session, model, note) => session.schedules.pause(model, note),
  (model) => `the schedule of ${model} is paused`,
);

/** `switchyard schedule resume <model>`. */
export const runScheduleResume = changing(
  'resume',
  'lets a paused schedule go on',
  (session, model, note) => session.schedules.resume(model, note),
  (model) => `the schedule of ${model} goes on`,
);

/** `switchyard schedule trigger <model>`: a start now, as the schedule would make it. */
export const runScheduleTrigger = defineCommand({
  name: 'schedule trigger',
  takes: '<model>',
  summary: 'starts a lifecycle now, as the schedule would; its overlap rule counts',
  options: {},
  run: ({ words: [model = ''], terminal }) =>
    changed(
      terminal,
      {
        model,
        line: `the schedule of ${model} starts a lifecycle now, unless it skips an overlap`,
      },
      (session) => session.schedules.trigger(model),
    ),
});

function changing(
  name: 'pause' | 'resume',
  summary: string,
  change: (session: Session, model: string, note: string) => Promise<void>,
  sentence: (model: string) => string,
) {
  return defineCommand({
    ...{ name: `schedule ${name}`, takes: '<model>', summary, options: REASON },
    run: async ({ values, words: [model = ''], terminal }) => {
      const note = `${await thisPerson()}: ${values.reason ?? 'no reason given'}`;
      const next = typed('schedule', name === 'pause' ? 'resume' : 'trigger', model);
      return changed(terminal, { model, line: sentence(model), next }, (session) =>
        change(session, model, note),
      );
    },
  });
}

function changed(
  terminal: Terminal,
  { model, line, next = typed('status') }: { model: string; line: string; next?: string },
  change: (session: Session) => Promise<void>,
): Promise<Answer> {
  return inSession(terminal, async (session) => {
    await answered(terminal, `schedule of ${model}`, change(session));
    return {
      lines: [line],
      facts: { model, done: line },
      webUi: schedulesPage(session),
      next: [next],
    };
  });
}

function rowsOf(schedules: readonly ListedSchedule[]): readonly (readonly string[])[] {
  const head = ['model', 'state', 'next', 'last', 'workflow'];
  return [
    head,
    ...schedules.map(({ model, paused, note, next, last }) => [
      model,
      paused ? `paused${note === null ? '' : ` (${note})`}` : 'on',
      next ?? '-',
      last?.at ?? '-',
      last?.workflowId ?? '-',
    ]),
  ];
}

function schedulesPage(session: Session): string | null {
  return session.page(null)?.replace(/\/workflows$/, '/schedules') ?? null;
}
