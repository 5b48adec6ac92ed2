import { page, plain, table } from '../markdown.js';
import type { ReconcileOutcome, ReconciledRow } from './outcome.js';

/** Characters of all details: they travel in an address of the web UI. */
const LONGEST = 16_000;
const SENTENCE_SHOWN = 400;

/** What a run of the reconciler found and did, as its page in the web UI shows it, in Markdown. */
export function reconcileDetails(
  about: string,
  known: Pick<ReconcileOutcome, 'looked' | 'rows' | 'more'> & { readonly left: number },
): string {
  const { looked, rows, more, left } = known;
  const { models, versions, replicas, staged } = looked;
  const open = left === 0 ? '' : `, ${left} to be done`;
  return page(
    [
      `## ${plain(about)}: ${rows.length + left === 0 ? 'nothing is half done' : `${rows.length + left + more} problems`}${open}`,
      `Looked at ${models} models, ${versions} versions, ${replicas} replicas, ${staged} runs in staging.`,
      ...(rows.length === 0 ? [] : [rowsTable(rows)]),
      more === 0 ? '' : `${more} more are left to the next run.`,
    ],
    { longest: LONGEST, more: '*There is more: see its result.*' },
  );
}

function rowsTable(rows: readonly ReconciledRow[]): string {
  return table(
    ['model', 'what', 'end', 'problem', 'note'],
    rows.map(({ model, kind, end, sentence, note }) => [
      plain(model ?? 'none'),
      plain(kind),
      `**${end}**`,
      plain(sentence, SENTENCE_SHOWN),
      plain(note, SENTENCE_SHOWN),
    ]),
  );
}
