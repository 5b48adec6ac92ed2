import { readAuditTrail } from '../../adapters/registry/audit/read-audit-trail.js';
import { PortError } from '../../domain/failures.js';
import { digestSchema, nameSchema, shortDigest } from '../../domain/names.js';
import type { ChainHead } from '../../domain/audit-chain.js';
import { liveVersionOf, type LiveState } from '../../domain/live-state.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, requireModel } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';
import { answerOf, readBucket } from './verify.js';

const SHOWN = 30;

/** `switchyard audit <model>`: what `live.json` was, write by write. */
export const runAudit = defineCommand({
  name: 'audit',
  takes: '<model>',
  summary: 'every promotion, fallback, undo and freeze of a model: when, by whom and why',
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
    if (states.length === 0) {
      throw new PortError(
        'UnknownModel',
        `the bucket "${name}" has no live.json of "${model}": look whether the name is right, or whether anything ever went live`,
        { details: { model } },
      );
    }
    const rows = states.map(rowOf);
    return {
      lines: renderTable(rows.slice(-SHOWN).map((row) => Object.values(row))),
      facts: { model, states: rows },
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
    const heads = Object.entries(result.heads).map(([name, head]) => shownHead(name, head));
    return {
      ...answer,
      lines: [
        ...answer.lines,
        ...heads.map((head) => `head: ${head}`),
        ...(Object.keys(kept).length > 0
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

/** @throws UsageError where a head is not as it was printed. */
function headsOf(words: readonly string[]): Readonly<Record<string, readonly ChainHead[]>> {
  const heads: Record<string, ChainHead[]> = {};
  for (const word of words) {
    const [, model, number, digest] = /^([^@]+)@([1-9]\d*):(.+)$/.exec(word) ?? [];
    const name = nameSchema.safeParse(model);
    const parsed = digestSchema.safeParse(digest);
    if (!name.success || !parsed.success) {
      throw new UsageError(`--head takes what audit verify prints, <model>@<generation>:<sha256>`);
    }
    const head = { generation: Number(number), digest: parsed.data };
    heads[name.data] = [...(heads[name.data] ?? []), head];
  }
  return heads;
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

/** Who approved what a promotion brought. */
function deciders({ made, served }: LiveState): string | null {
  if (made?.kind !== 'promoted') return null;
  const by = served[0]?.decisions.map((each) => each.by) ?? [];
  return by.length === 0 ? null : [...new Set(by)].join(', ');
}
