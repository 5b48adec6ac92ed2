import type { FollowUpRow } from '../../client/follow-ups.js';
import { keepInputs } from '../../adapters/registry/keep-inputs.js';
import { RegressionFiles } from '../../adapters/registry/regression-files.js';
import { PortError } from '../../domain/failures.js';
import type { Answer } from './terminal/answer.js';
import { knownVersions, openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { requireKnownModel } from './terminal/known-model.js';
import { wholeNumber } from './terminal/numbers.js';
import { findPlace, requireModel } from './terminal/place.js';
import { answered, inSession, type Session } from './terminal/session.js';
import { findOrderer, KEY_OPTION } from './terminal/sign-order.js';
import { renderTable } from './terminal/table.js';
import { UsageError } from './terminal/usage-error.js';
import { age, typed } from './terminal/words.js';

const DEFAULT_LIMIT = 50;
/** Characters of a title in the table. */
const TITLE_SHOWN = 80;

/** `switchyard follow-ups [<model>]`: what failures left to which role. */
export const runFollowUps = defineCommand({
  name: 'follow-ups',
  takes: '[<model>]',
  summary: 'what failures left to which role, and is not closed yet',
  options: {
    all: { type: 'boolean', about: 'closed ones too' },
    limit: {
      type: 'string',
      value: 'N',
      about: `follow-ups in the table; ${DEFAULT_LIMIT} where left out`,
    },
  },
  run: ({ values, words: [model], terminal }) =>
    inSession(terminal, async (session) => {
      const limit = wholeNumber('--limit', values.limit, { min: 1, max: 1_000 }) ?? DEFAULT_LIMIT;
      const { all } = values;
      if (model !== undefined) await requireKnownModel(session, model);
      const which = { ...(model !== undefined && { model }), ...(all && { all }), limit };
      const rows = await session.switchyard.followUps(which);
      const [newest] = rows.filter(({ end }) => end === 'open');
      return {
        lines: linesOf(rows, model),
        facts: { followUps: rows },
        webUi: session.page(newest?.workflowId ?? null),
        next: newest === undefined ? [typed('status')] : [closing(newest)],
      };
    }),
});

function linesOf(rows: readonly FollowUpRow[], model: string | undefined): readonly string[] {
  if (rows.length === 0)
    return [`no follow-up${model === undefined ? '' : ` of ${model}`} is open`];
  const now = new Date();
  const head = ['follow-up', 'model', 'for', 'cause', 'age', 'is', 'title'];
  return renderTable([
    head,
    ...rows.map((row) => [
      ...[row.workflowId, row.model, row.owner ?? '-', row.cause ?? '-', age(row.openedAt, now)],
      row.closedBy === null ? row.end : `${row.end} by ${row.closedBy}`,
      cut(row.title ?? '-'),
    ]),
  ]);
}

const cut = (title: string) =>
  title.length > TITLE_SHOWN ? `${title.slice(0, TITLE_SHOWN - 1)}…` : title;

const closing = ({ workflowId, owner }: FollowUpRow) =>
  typed('close', workflowId, '--role', owner ?? '<role>', '--reason', 'what was done');

/** `switchyard close <follow-up>`: the owner's word that it is done with. */
export const runClose = defineCommand({
  name: 'close',
  takes: '<follow-up>',
  summary: 'the owner’s word that a follow-up is done with, and why',
  options: {
    role: { type: 'string', value: 'ROLE', about: 'the role that owns it; required' },
    reason: { type: 'string', value: 'TEXT', about: 'what was done; required' },
    by: {
      type: 'string',
      value: 'WHO',
      about: 'who closes it; the key’s person, or git’s user.email, where left out',
    },
    ...KEY_OPTION,
    'drop-inputs': {
      type: 'boolean',
      about: 'its inputs become no rows that every later candidate must answer right',
    },
  },
  run: async ({ values, words: [word = ''], terminal }): Promise<Answer> => {
    const { role, reason = '' } = values;
    if (role === undefined || reason.trim() === '') {
      throw new UsageError(
        `close needs a role and a reason: ${typed('close', word, '--role', role ?? '<role>', '--reason', 'what was done')}`,
      );
    }
    const { by, sign } = await findOrderer(values);
    return inSession(terminal, async (session) => {
      await session.requireWorker();
      const signature = await sign({ order: 'close', target: word, role, reason });
      const order = { role, by, reason, ...(signature !== null && { signature }) };
      const asked = session.switchyard.closeFollowUp(word, order);
      const { at } = await answered(terminal, `closing ${word}`, asked);
      const kept = values['drop-inputs'] ? null : await keptInputs(session, word, { by, reason });
      return {
        lines: [`${word}: closed by ${by} (${role})`, ...(kept === null ? [] : [kept.sentence])],
        facts: { workflowId: word, role, by, reason, at, kept: kept?.rows ?? 0 },
        webUi: session.page(word),
        next: kept?.rows ? [typed('regressions', kept.model)] : [typed('follow-ups')],
      };
    });
  },
});

/** Makes the rows among a follow-up's inputs those that every later candidate must answer right; null where it has none. */
async function keptInputs(
  { place, switchyard }: Session,
  workflowId: string,
  order: { readonly by: string; readonly reason: string },
): Promise<{ readonly rows: number; readonly model: string; readonly sentence: string } | null> {
  const { followUp } = await switchyard.followUp(workflowId);
  const { model, inputs, subject } = followUp;
  if (subject.heldOut === undefined || inputs.length === 0) return null;
  if (place.bucket === null) {
    return { rows: 0, model, sentence: 'its inputs are not kept: no bucket is named here' };
  }
  const rows = await keepInputs(openBucket(place).store, followUp, order);
  const sentence = `${rows} of its inputs must be answered right by every candidate from now on`;
  return { rows, model, sentence };
}

/** `switchyard regressions <model>`: the rows that every candidate must answer right. */
export const runRegressions = defineCommand({
  name: 'regressions',
  takes: '<model>',
  summary: 'rows that closed follow-ups left and every candidate must answer right',
  more: ['It needs the bucket only, not Temporal.'],
  options: {
    drop: {
      type: 'string',
      value: 'FOLLOW-UP',
      about: 'those of this follow-up need not be answered right any more',
    },
  },
  run: async ({ values, words: [model = ''], terminal }) => {
    const place = await findPlace();
    requireModel(place, model);
    const bucket = openBucket(place);
    const { store, name } = bucket;
    const files = new RegressionFiles(store);
    if (values.drop !== undefined) {
      const key = values.drop.split('/').at(-1) ?? '';
      if (!(await files.drop(model, key))) {
        throw new PortError('InvalidRequest', `no follow-up "${key}" of "${model}" left rows`);
      }
      return {
        lines: [`${model}: the rows of ${key} need not be answered right any more`],
        facts: { model, dropped: key },
        webUi: null,
        next: [typed('regressions', model)],
      };
    }
    const all = await terminal.during(`reading the bucket ${name}`, files.all(model));
    if (all.length === 0) await knownVersions(bucket, place, model); // or the name is wrong
    const rows = all.map(({ key, snapshot, at, by, reason }) => [
      ...[key, String(snapshot.rows), at, by, cut(reason)],
    ]);
    return {
      lines:
        rows.length === 0
          ? [`no closed follow-up of ${model} left rows`]
          : renderTable([['follow-up', 'rows', 'since', 'by', 'reason'], ...rows]),
      facts: { model, regressions: all },
      webUi: null,
      next: [typed('follow-ups', model)],
    };
  },
});
