import type { FollowUp, FollowUpState } from './follow-up.js';
import { instant, shellWord } from './lifecycle-details.js';
import { code, codeBlock, page, plain, table } from './markdown.js';
import { shortDigest } from './names.js';

const LONGEST = 16_000;

/** A follow-up as its page in the web UI shows it, in Markdown: what happened, who may close it and how. */
export function followUpDetails(state: FollowUpState, workflowId: string): string {
  const { followUp } = state;
  return page(
    [
      standing(state),
      paragraphs(followUp.text),
      subject(followUp),
      howToClose(state, workflowId),
      inputs(followUp),
    ],
    { longest: LONGEST, more: '*There is more: ask the query `state`.*' },
  );
}

function standing({ followUp, openedAt, told, closed }: FollowUpState): string {
  const { model, owner, title } = followUp;
  const head = `## ${model}: ${plain(title)}`;
  if (closed !== null) {
    const { by, at, reason } = closed;
    return `${head}\n\n**Closed** by ${plain(by, 200)} (${closed.role}) at ${instant(at)}: ${plain(reason, 2_000)}`;
  }
  const silence = told === 'not-told' ? ' Nobody could be told: the worker’s log says why.' : '';
  return `${head}\n\n**Open for ${owner}** since ${instant(openedAt)}.${silence}`;
}

/** What is to be typed: as text the web UI would turn its quotes. */
const COMMAND = /^(Look|Type|Or): (npx switchyard .+)$/;

/** Others wrote it: each of its lines is one paragraph that does nothing. */
function paragraphs(text: string): string {
  return text
    .split(/\n+/)
    .map((line) => {
      const [, verb, command] = COMMAND.exec(line) ?? [];
      return command === undefined ? plain(line, 2_000) : `${verb}: ${code(command, 2_000)}`;
    })
    .filter((line) => line !== '')
    .join('\n\n');
}

function subject({ cause, subject: about }: FollowUp): string {
  const { workflowId, version, digest, generation } = about;
  const rows = [
    ['cause', cause],
    ...(version === null ? [] : [['version', String(version)]]),
    ...(digest === null ? [] : [['digest', code(shortDigest(digest))]]),
    ...(generation === null ? [] : [['generation', String(generation)]]),
    ...(workflowId === null ? [] : [['workflow', code(workflowId, 1_000)]]),
  ];
  return table(['about', ''], rows);
}

function howToClose({ followUp, closed }: FollowUpState, workflowId: string): string {
  if (closed !== null) return '';
  const { owner } = followUp;
  const order = { role: owner, by: '<who you are>', reason: '<what was done>' };
  const command = `npx switchyard close ${shellWord(workflowId)} --role ${owner} --reason 'what was done'`;
  return [
    `### How ${owner} closes it`,
    `Nobody else does, and a cancellation does not. Type ${code(command, 2_000)}`,
    'or paste this into the update `close`:',
    codeBlock('json', JSON.stringify(order, null, 2)),
  ].join('\n\n');
}

function inputs({ inputs: all }: FollowUp): string {
  if (all.length === 0) return '';
  const rows = all.map(({ id, excerpt, detail }) => [
    ...[code(id, 80), code(excerpt, 160), code(detail, 160)],
  ]);
  return `### Inputs that show it\n\n${table(['id', 'input', 'what happened'], rows)}`;
}
