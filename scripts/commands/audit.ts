import { readJournals } from '../../adapters/registry/journal-files.js';
import { readAuditTrail } from '../../adapters/registry/audit/read-audit-trail.js';
import { PortError } from '../../domain/failures.js';
import type { JournalHead } from '../../domain/journal-head.js';
import type { JournalLine } from '../../domain/journal.js';
import { digestSchema, nameSchema, runIdSchema, shortDigest } from '../../domain/names.js';
import type { ChainHead } from '../../domain/audit-chain.js';
import { liveVersionOf, type LiveState } from '../../domain/live-state.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, requireModel } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';
import { answerOf, readBucket, type KeptHeads } from './verify.js';

const SHOWN = 30;

/** `switchyard audit <model>`: what `live.json` was, write by write, and what happened in lifecycles. */
export const runAudit = defineCommand({
  name: 'audit',
  takes: '<model>',
  summary:
    'every start, decision, promotion, fallback, undo and end of a model: when, by whom, why',
  more: [
    `It needs the bucket only, not Temporal. The last ${SHOWN}; all of them with --json. Whether they are whole says audit verify.`,
  ],
  options: {},
  run: async ({ words: [model = ''], terminal }) => {
    const place = await findPlace();
    requireModel(place, model);
    const { store, name } = openBucket(place);
    const reading = readAuditTrail(store, model);
    const states = await terminal.during(`reading the bucket ${name}`, reading);
    const lines = await readJournals(store, model);
    if (states.length === 0 && lines.length === 0) {
      throw new PortError(
        'UnknownModel',
        `the bucket "${name}" has neither a journal nor a live.json of "${model}": look whether the name is right`,
        { details: { model } },
      );
    }
    const rows = [...states.map(rowOf), ...lines.map(rowOfLine)];
    rows.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
    return {
      lines: renderTable(rows.slice(-SHOWN).map((row) => Object.values(row))),
      facts: { model, rows },
      webUi: null,
      next: [typed('audit', 'verify', model)],
    };
  },
});

/** `switchyard audit verify`: the same as `verify`, and the heads to keep elsewhere. */
export const runAuditVerify = defineCommand({
  name: 'audit verify',
  takes: '[<model>]',
  summary:
    'verifies bucket, verdicts, signatures and audit chain offline; 1 where something is wrong',
  more: [
    'It needs the bucket and the trust file only (SWITCHYARD_TRUST_FILE). Keep the heads that it prints where whoever writes to the',
    'bucket cannot: given again, they show whether a tail was cut since.',
  ],
  options: {
    head: {
      type: 'string',
      value: 'HEAD',
      about: 'one that was printed before; may be given several times',
      multiple: true,
    },
  },
  run: async ({ values, words: [model], terminal }) => {
    const kept = headsOf(values.head ?? []);
    const { result, trust } = await readBucket(terminal, model, kept);
    const answer = answerOf(result, model);
    const heads = [
      ...Object.entries(result.heads).map(([name, head]) => shownHead(name, head)),
      ...Object.entries(result.journals).flatMap(([name, own]) =>
        own.map((head) => shownLine(name, head)),
      ),
    ];
    return {
      ...answer,
      lines: [
        ...answer.lines,
        ...heads.map((head) => `head: ${head}`),
        ...((values.head ?? []).length > 0
          ? []
          : ['no head was given, so a cut tail cannot be seen: keep these elsewhere']),
        ...(trust !== null
          ? []
          : ['no trust file was named, so nobody’s signature was verified: SWITCHYARD_TRUST_FILE']),
      ],
      facts: { ...answer.facts, heads, signaturesVerified: trust !== null },
      next: [typed('audit', 'verify', ...heads.flatMap((head) => ['--head', head]))],
    };
  },
});

const shownHead = (model: string, { generation, digest }: ChainHead) =>
  `${model}@${generation}:${digest}`;

const shownLine = (model: string, { run, line, digest }: JournalHead) =>
  `${model}/${run}@${line}:${digest}`;

/** @throws UsageError where a head is not as it was printed. */
function headsOf(words: readonly string[]): KeptHeads {
  const heads: Record<string, ChainHead[]> = {};
  const journals: Record<string, JournalHead[]> = {};
  for (const word of words) {
    const [, model, run, number, digest] =
      /^([^@/]+)(?:\/([^@/]+))?@([1-9]\d*):(.+)$/.exec(word) ?? [];
    const name = nameSchema.safeParse(model);
    const parsed = digestSchema.safeParse(digest);
    const ofRun = runIdSchema.optional().safeParse(run);
    if (!name.success || !parsed.success || !ofRun.success) {
      throw new UsageError(
        '--head takes what audit verify prints, <model>@<generation>:<sha256> or <model>/<run>@<line>:<sha256>',
      );
    }
    const place = { number: Number(number), digest: parsed.data };
    if (ofRun.data === undefined) {
      const head = { generation: place.number, digest: place.digest };
      heads[name.data] = [...(heads[name.data] ?? []), head];
    } else {
      const head = { run: ofRun.data, line: place.number, digest: place.digest };
      journals[name.data] = [...(journals[name.data] ?? []), head];
    }
  }
  return { heads, journals };
}

/** One write, as people read it. */
function rowOf(state: LiveState) {
  const { generation, updatedAt, made, live, writeId } = state;
  const version = liveVersionOf(state)?.version ?? null;
  return {
    generation: String(generation),
    at: updatedAt,
    what: made?.kind ?? 'written',
    live: live === null ? 'nothing' : `version ${version ?? '?'} (${shortDigest(live)})`,
    by: made?.by ?? deciders(state) ?? writeId.slice(0, 60),
    reason: made?.reason ?? '',
  };
}

/** One line of a journal, as people read it; it has no generation. */
function rowOfLine({ at, entry, workflowId }: JournalLine) {
  const row = { generation: '', at, what: entry.kind, live: workflowId, by: '', reason: '' };
  switch (entry.kind) {
    case 'started':
      return { ...row, by: entry.request.startedBy ?? '', reason: entry.request.reason ?? '' };
    case 'decided': {
      const { role, decision, by, reason } = entry.decision;
      return { ...row, what: `${decision} for ${role}`, by, reason };
    }
    case 'glass-broken': {
      const reason = `in the place of ${entry.insteadOf.join(', ')}`;
      return { ...row, what: 'broke the glass', by: entry.by.join(', '), reason };
    }
    case 'undone':
      return { ...row, what: `undone: ${entry.row.end}`, reason: entry.row.step };
    case 'ended':
      return { ...row, what: `ended ${entry.outcome}`, reason: entry.reason ?? '' };
    default:
      return entry satisfies never;
  }
}

/** Who approved what a promotion brought. */
function deciders({ made, served }: LiveState): string | null {
  if (made?.kind !== 'promoted') return null;
  const by = served[0]?.decisions.map((each) => each.by) ?? [];
  return by.length === 0 ? null : [...new Set(by)].join(', ');
}
