import { pageKeyOf } from './evidence.js';
import { amount, definitionOf, limitOf, type Finding } from './gate.js';
import type { LifecycleRequest, LifecycleStatus } from './lifecycle.js';
import { code, codeBlock, page, plain, table } from './markdown.js';
import { shortDigest } from './names.js';
import { isOpenUndo, type UndoRow } from './undo.js';

/** Characters of all details: they travel in an address of the web UI. */
const LONGEST = 16_000;
const REASONS_SHOWN = 20;
const FINDINGS_SHOWN = 20;
const INPUTS_SHOWN = 3;
const REFUSALS_SHOWN = 5;

/** A lifecycle as its page in the web UI shows it, in Markdown: the most urgent first. */
export function lifecycleDetails(status: LifecycleStatus, workflowId: string): string {
  return page(
    [
      heading(status),
      gates(status),
      section('Evidence report', evidencePage(status)),
      howToAnswer(status, workflowId),
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

function heading(status: LifecycleStatus): string {
  const { model, version, digest, stage, ending } = status;
  const subject = version === null ? model : `${model}, version ${version}`;
  return [
    `## ${subject}: ${ending === null ? stage : plain(ending)}`,
    waits(status),
    digest === null ? '' : `Its digest begins with ${code(shortDigest(digest))}.`,
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

function waits(status: LifecycleStatus): string {
  const { model, frozen, waitingFor, answerBy, ending } = status;
  if (ending !== null) return '';
  if (waitingFor.includes('undo')) {
    return '**An undo failed and waits for a person**, who has it tried again, or accepts it as it is.';
  }
  if (frozen !== null) {
    return `**Approved, and waits for a thaw of ${model}.** ${plain(frozen.by)} froze it at ${instant(frozen.at)}: ${plain(frozen.reason)}`;
  }
  return waitingFor
    .map((role) => {
      const by = answerBy[role];
      return `**Waiting for ${role}**${by === undefined ? '' : ` until ${instant(by)}`}`;
    })
    .join('\n\n');
}

/** What to type, and what to paste where. */
function howToAnswer(status: LifecycleStatus, workflowId: string): string {
  const { model, frozen, waitingFor, evidence, ending } = status;
  if (ending !== null) return '';
  if (waitingFor.includes('undo')) return howToFinish(status.ledger.filter(isOpenUndo), workflowId);
  if (frozen !== null) {
    const command = code(`npx switchyard thaw ${model} --reason 'why'`);
    return section(
      'How to thaw',
      `Type ${command}, or send the update \`thaw\` to the workflow \`live/${model}\`.`,
    );
  }
  if (evidence === null) return '';
  const isSigned = status.toSign !== null;
  return waitingFor.map((role) => answerOf(role, { evidence, workflowId, isSigned })).join('\n\n');
}

function howToFinish(open: readonly UndoRow[], workflowId: string): string {
  const command = (words: string) =>
    code(`npx switchyard undo ${shellWord(workflowId)} ${words}`, 2_000);
  const retry = section(
    'How to try again',
    [
      `Type ${command('--retry')} or paste this into the update \`retryUndo\`; with \`step\` it is that one only:`,
      codeBlock('json', JSON.stringify({ by: '<who you are>' }, null, 2)),
    ].join('\n\n'),
  );
  const accepts = open.map(({ step }) =>
    section(
      `How to accept ${code(step)} as it is`,
      [
        `Type ${command(`--accept --step ${shellWord(step)} --reason 'why'`)} or paste this into the update \`acceptUndo\`:`,
        codeBlock('json', JSON.stringify({ step, by: '<who you are>', reason: '<why>' }, null, 2)),
      ].join('\n\n'),
    ),
  );
  return [retry, ...accepts].join('\n\n');
}

function answerOf(
  role: string,
  given: { evidence: string; workflowId: string; isSigned: boolean },
): string {
  const { evidence, workflowId, isSigned } = given;
  const decision = {
    ...{ role, decision: 'approved', by: '<who you are>', reason: '<why>' },
    evidence,
  };
  const read = `--role ${role} --evidence ${shortDigest(evidence)}`;
  const named = (name: string) =>
    code(`npx switchyard ${name} ${shellWord(workflowId)} ${read} --reason 'why'`, 2_000);
  if (isSigned) {
    return section(
      `How ${role} answers`,
      `Decisions are signed: type ${named('approve')} with your key in SWITCHYARD_KEY; or paste what ${named('sign')} prints into the update \`decide\`.`,
    );
  }
  return section(
    `How ${role} answers`,
    [
      `Type ${named('approve')}`,
      'or paste this into the update `decide`; the decision may also be `rejected` or `needs-more-data`:',
      codeBlock('json', JSON.stringify(decision, null, 2)),
    ].join('\n\n'),
  );
}

function gates({ table: rows, verdict, twin }: LifecycleStatus): string {
  if (rows.length === 0) return '';
  const shown = rows.map(({ gate, value, verdict: judged }) => {
    const unit = definitionOf(gate) ?? { unit: '' };
    const limit = limitOf(gate);
    return [
      code(gate.metric),
      value === undefined || value === null ? '' : unbroken(amount(value, unit)),
      limit === undefined
        ? ''
        : unbroken(`${limit === gate.min ? '≥' : '≤'} ${amount(limit, unit)}`),
      judged === 'passed' || judged === 'not applicable' ? judged : `**${judged}**`,
    ];
  });
  const open = rows.filter((row) => row.verdict !== 'passed');
  return section(
    verdict === null ? 'Gates' : `Gates: ${verdict}`,
    [
      table(['gate', 'value', 'limit', 'verdict'], shown),
      open
        .slice(0, REASONS_SHOWN)
        .map((row) => `- ${row.verdict}: ${plain(row.reason)}`)
        .join('\n'),
      ...(twin === undefined ? [] : [`- ${plain(twin)}`]),
    ].join('\n\n'),
  );
}

/** Where to read all of it. */
function evidencePage({ model, version, digest, page: stored }: LifecycleStatus): string {
  if (version === null || digest === null || stored === null) return '';
  const command = code(`npx switchyard report ${model} ${version}`);
  return `Type ${command}, or open ${code(pageKeyOf(model, digest, stored))} of the bucket.`;
}

/** A number and its unit stay on one line. */
function unbroken(text: string): string {
  return text.replaceAll(' ', '\u00a0');
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

function ledger({ ledger: rows, undoing }: LifecycleStatus): string {
  const ended = rows
    .filter(({ step }) => !undoing.includes(step))
    .map((row) => [plain(row.step), endOf(row), plain(row.note)]);
  const running = undoing.map((step) => [plain(step), 'under way', '']);
  const all = [...ended, ...running];
  return all.length === 0 ? '' : table(['step', 'end', 'note'], all);
}

function endOf({ end, accepted }: UndoRow): string {
  if (accepted === undefined) return end === 'failed' ? `**${end}**` : end;
  return `${end}, accepted by ${plain(accepted.by, 80)}: ${plain(accepted.reason)}`;
}

/** `2026-01-02 03:04 UTC` of an ISO instant. */
export function instant(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

/** As a shell reads it as one word. */
export function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A version as people are shown it. */
export function shownVersion(served: { version: number; digest: string } | null): string {
  return served === null
    ? 'none'
    : `version ${served.version} (${code(shortDigest(served.digest))})`;
}
