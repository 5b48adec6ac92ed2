import { findPerson, type TracesOfPerson } from '../../adapters/forget/find-person.js';
import { forgetPerson } from '../../adapters/forget/forget-person.js';
import { isPortError } from '../../domain/failures.js';
import { shortDigest } from '../../domain/names.js';
import { loadProject } from '../../workers/project.js';
import type { Answer } from './terminal/answer.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import { typed } from './terminal/words.js';

const DEFAULT_CONFIG = 'switchyard.config.ts';

/** `switchyard forget <customer>`: shows where a person's rows lie; with `--delete` deletes them. */
export const runForget = defineCommand({
  name: 'forget',
  takes: '<customer>',
  summary: 'where the rows of one person (their customer field) lie; with --delete deletes them',
  more: [
    'Snapshots are replaced by ones without the person, reports by copies without their inputs; tombstones say by what.',
    'Pages of such reports go; npx switchyard report renders them anew. Files that it wrote here are yours to delete.',
    'Lines of the prediction log go, or stay without person and text where retention.forgotten says anonymise.',
    'Killed in the middle: type it again. It changes no model: those that were trained on the rows are named.',
  ],
  options: {
    delete: { type: 'boolean', about: 'delete them' },
    reason: {
      type: 'string',
      value: 'TEXT',
      about: 'for the record, without the name; “on request” where left out',
    },
    config: { type: 'string', value: 'FILE', about: `${DEFAULT_CONFIG} where left out` },
  },
  run: async ({ values, words: [customer = ''], terminal }) => {
    const { store } = openBucket(await findPlace());
    if (!values.delete) {
      const traces = await terminal.during('reading the bucket', findPerson(store, customer));
      return tracesAnswer(traces, customer);
    }
    const forgotten = await readForgotten(values.config);
    terminal.ifInterrupted(
      'interrupted: some of it is deleted; type the same again, and the rest will be',
    );
    const given = { store, customer, reason: values.reason ?? 'on request', now: new Date() };
    const { deletion, left } = await terminal.during(
      'deleting',
      forgetPerson({ ...given, linesOf: (model) => forgotten[model] ?? 'delete' }),
    );
    const { rows, snapshots, predictions, labels, reports, finishedAt } = deletion;
    const runs = [...new Set(left.staging.map(({ run }) => run))];
    return {
      lines: [
        `deleted: ${rows} rows of ${snapshots} snapshots, ${predictions} lines of the prediction log, ${labels} labels; ${reports} reports have their inputs taken out`,
        ...(finishedAt === null
          ? [`left: staged files of ${runs.join(', ')}; they go when it ends, then type this again`]
          : []),
        `record: forgotten/${deletion.person}.json`,
      ],
      facts: { deletion, staging: left.staging },
      webUi: null,
      next: finishedAt === null ? [typed('status')] : [typed('forget', customer)],
      exitCode: finishedAt === null ? 1 : 0,
    };
  },
});

/** What each model's retention says of forgotten lines; nothing where there is no configuration here. */
async function readForgotten(config: string | undefined) {
  try {
    const { models } = await loadProject(config ?? DEFAULT_CONFIG);
    return Object.fromEntries(
      Object.values(models).map(({ model, retention }) => [model, retention.forgotten]),
    );
  } catch (error) {
    const isAbsent = config === undefined && isPortError(error) && error.type === 'SetUpMissing';
    if (isAbsent) return {};
    throw error;
  }
}

function tracesAnswer(traces: TracesOfPerson, customer: string): Answer {
  const { snapshots, predictions, labels, reports, pages, versions, staging } = traces;
  const rows = [
    ...snapshots.map(({ source, digest, rows: own, of }) => [
      'snapshot',
      `${source} ${shortDigest(digest)}`,
      `${own} of ${of} rows`,
    ]),
    ...predictions.map(({ key, lines }) => ['prediction log', key, `${lines} lines`]),
    ...labels.map(({ key, lines }) => ['labels', key, `${lines} labels`]),
    ...reports.map(({ model, manifest, digest, inputs }) => [
      'report',
      `${model} ${shortDigest(manifest)}/${shortDigest(digest)}`,
      `${inputs} inputs`,
    ]),
    ...pages.map(({ model, manifest, digest }) => [
      'page',
      `${model} ${shortDigest(manifest)}/${shortDigest(digest)}`,
      'shows them',
    ]),
    ...staging.map(({ key }) => ['staging', key, 'goes with its run']),
  ];
  const runs = [...new Set(reports.flatMap(({ lifecycles }) => lifecycles))];
  const trained = versions.map(({ model, version }) => `${model} ${version}`);
  return {
    lines:
      rows.length === 0
        ? ['nothing in the bucket is of this customer']
        : [
            ...renderTable(rows),
            ...(trained.length > 0
              ? [`trained on such rows, and perhaps to be trained again: ${trained.join(', ')}`]
              : []),
            ...(runs.length > 0
              ? [
                  `Temporal’s histories of these runs may show excerpts until its retention ends: ${runs.join(', ')}`,
                ]
              : []),
          ],
    facts: {
      ...{ snapshots, predictions, labels, reports, pages, versions, staging },
      found: rows.length,
    },
    webUi: null,
    next: rows.length === 0 ? [typed('status')] : [typed('forget', customer, '--delete')],
  };
}
