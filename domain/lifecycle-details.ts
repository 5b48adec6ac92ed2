import type { Finding } from './gate.js';
import type { LifecycleRequest, LifecycleStatus } from './lifecycle.js';
import { code, codeBlock, page, plain, table } from './markdown.js';
import { shortDigest } from './names.js';

/** Characters of all details: they travel in an address of the web UI. */
const LONGEST = 16_000;
const FINDINGS_SHOWN = 20;
const INPUTS_SHOWN = 3;
const REFUSALS_SHOWN = 5;

/** A lifecycle as its page in the web UI shows it, in Markdown: the most urgent first. */
export function lifecycleDetails(status: LifecycleStatus, workflowId: string): string {
  return page(
    [
      heading(status),
      whatNow(status, workflowId),
      gates(status),
      section('Findings', findings(status.findings)),
      section('Decisions', decisions(status)),
      section('Decisions that were not taken', refusals(status)),
      section('Undone', ledger(status)),
    ],
    { longest: LONGEST, more: '*There is more: ask the query `status`.*' },
  );
}

/** What was asked for at the start, for the same page. */
export function startDetails(request: LifecycleRequest): string {
  const { startedBy, reason } = request;
  const who = startedBy === undefined ? '' : `Started by ${plain(startedBy)}`;
  const why = reason === undefined ? '' : `${who === '' ? 'Started' : who}: ${plain(reason)}`;
  const given = codeBlock('json', JSON.stringify(request, null, 2));
  return page([why === '' ? who : why, given], { longest: LONGEST, more: '*See its input.*' });
}

function section(title: string, body: string): string {
  return body === '' ? '' : `### ${title}\n\n${body}`;
}

function heading({ model, version, digest, stage, ending }: LifecycleStatus): string {
  const subject = version === null ? model : `${model}, version ${version}`;
  const title = `## ${subject}: ${ending === null ? stage : plain(ending)}`;
  return digest === null ? title : `${title}\n\nDigest ${code(digest)}`;
}

function whatNow(status: LifecycleStatus, workflowId: string): string {
  if (status.ending !== null) return '';
  if (status.frozen !== null) return frozen(status);
  const { waitingFor, evidence } = status;
  if (waitingFor.length === 0 || evidence === null) return '';
  return waitingFor.map((role) => asked(role, evidence, status, workflowId)).join('\n\n');
}

function frozen({ model, frozen: by }: LifecycleStatus): string {
  if (by === null) return '';
  return [
    `**Approved, and waits for a thaw of ${plain(model)}.** ${plain(by.by)} froze it at ${instant(by.at)}: ${plain(by.reason)}`,
    `Thaw it with`,
    codeBlock('sh', `npx switchyard thaw ${model}`),
    `or with the update \`thaw\` of the workflow ${code(`live/${model}`)}.`,
  ].join('\n\n');
}

function asked(role: string, evidence: string, status: LifecycleStatus, workflowId: string) {
  const by = status.answerBy[role];
  const decision = {
    role,
    decision: 'approved',
    by: '<who you are>',
    reason: '<why>',
    evidence,
  };
  return [
    `**Waiting for ${role}**${by === undefined ? '' : ` until ${instant(by)}`}. Type`,
    codeBlock('sh', `npx switchyard approve ${shellWord(workflowId)} --role ${role}`),
    'or paste this into the update `decide` (`approved`, `rejected` or `needs-more-data`):',
    codeBlock('json', JSON.stringify(decision, null, 2)),
  ].join('\n\n');
}

function gates({ table: rows, verdict }: LifecycleStatus): string {
  if (rows.length === 0) return '';
  const shown = rows.map((row) => {
    const { metric, min, max } = row.gate;
    const limit = min === undefined ? `at most ${amount(max ?? 0)}` : `at least ${amount(min)}`;
    const value = row.value === undefined || row.value === null ? '' : amount(row.value);
    return [code(metric), value, limit, mark(row.verdict), plain(row.reason)];
  });
  const title = verdict === null ? 'Gates' : `Gates: ${verdict}`;
  return section(title, table(['gate', 'value', 'limit', 'verdict', 'why'], shown));
}

function mark(verdict: LifecycleStatus['table'][number]['verdict']): string {
  return verdict === 'passed' || verdict === 'not applicable' ? verdict : `**${verdict}**`;
}

/** A number to four significant digits or more, with its thousands apart. */
function amount(value: number): string {
  if (Math.abs(value) < 1_000) return String(Number(value.toPrecision(4)));
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' ');
}

function findings(all: readonly Finding[]): string {
  return all
    .slice(0, FINDINGS_SHOWN)
    .map(({ gate, owner, reason, inputs }) =>
      [
        `- ${code(gate.metric)}, for **${owner}**: ${plain(reason)}`,
        ...inputs
          .slice(0, INPUTS_SHOWN)
          .map(
            ({ id, excerpt, detail }) =>
              `  - ${code(id, 80)} ${code(excerpt, 160)} ${code(detail, 160)}`,
          ),
      ].join('\n'),
    )
    .join('\n');
}

function decisions({ decisions: all }: LifecycleStatus): string {
  if (all.length === 0) return '';
  const rows = all.map(({ role, decision, by, reason, at }) => [
    ...[role, `**${decision}**`, plain(by, 80), plain(reason), instant(at)],
  ]);
  return table(['role', 'decision', 'by', 'why', 'when'], rows);
}

function refusals({ refusals: all }: LifecycleStatus): string {
  return all
    .slice(-REFUSALS_SHOWN)
    .map((why) => `- ${plain(why)}`)
    .join('\n');
}

function ledger({ ledger: rows }: LifecycleStatus): string {
  if (rows.length === 0) return '';
  const shown = rows.map(({ step, end, note }) => [
    ...[plain(step), end === 'failed' ? `**${end}**` : end, plain(note)],
  ]);
  return table(['step', 'end', 'note'], shown);
}

/** `2026-01-02 03:04 UTC` of an ISO instant. */
export function instant(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

/** As a shell reads it as one word. */
function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A version as people are shown it. */
export function shownVersion(served: { version: number; digest: string } | null): string {
  return served === null
    ? 'none'
    : `version ${served.version} (${code(shortDigest(served.digest))})`;
}
