import { auditBucket, type AuditResult } from '../../adapters/registry/audit/audit-bucket.js';
import type { AuditCounts } from '../../adapters/registry/audit/audit.js';
import type { ChainHead } from '../../domain/audit-chain.js';
import type { JournalHead } from '../../domain/journal-head.js';
import type { Trust } from '../../domain/signing/trust.js';
import { requiredTrust } from '../../adapters/trust/trust-file.js';
import { PortError } from '../../domain/failures.js';
import { nameSchema } from '../../domain/names.js';
import type { Answer } from './terminal/answer.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, requireModel, trustFile } from './terminal/place.js';
import type { Terminal } from './terminal/terminal.js';
import { size, typed } from './terminal/words.js';

const PROGRESS_EVERY_MS = 5_000;

/** `switchyard verify [<model>]`: holds the whole bucket against its digests; exits 1 with the list of what is wrong. */
export const runVerify = defineCommand({
  name: 'verify',
  takes: '[<model>]',
  summary: 'holds every object against its digest and what it names; 1 where one is wrong',
  more: [
    'It needs the bucket only, not Temporal, and writes nothing. Every byte of versions, evidence, reports, snapshots and labels is',
    'read; live.json and windows are held against their shape and the rest. Nothing vouches for the prediction log: it is left out.',
  ],
  options: {},
  run: async ({ words: [model], terminal }) => {
    const { result } = await readBucket(terminal, model, { heads: {}, journals: {} });
    return answerOf(result, model);
  },
});

/** What was kept elsewhere, by model: states of `live.json`, and lines of journals. */
export interface KeptHeads {
  readonly heads: Readonly<Record<string, readonly ChainHead[]>>;
  readonly journals: Readonly<Record<string, readonly JournalHead[]>>;
}

/**
 * Reads all of the bucket, or what it has of a model.
 * @throws PortError `UnknownModel`.
 */
export async function readBucket(
  terminal: Terminal,
  model: string | undefined,
  { heads, journals }: KeptHeads,
): Promise<{ readonly result: AuditResult; readonly trust: Trust | null }> {
  const place = await findPlace();
  const { store, name } = openBucket(place);
  if (model !== undefined) {
    if (!nameSchema.safeParse(model).success) throw noSuchModel(model, name);
    requireModel(place, model);
  }
  const trusting = await requiredTrust(trustFile());
  const trust = await trusting.read();
  const auditing = auditBucket(store, {
    model,
    trust,
    heads,
    journals,
    tell: progressOf(terminal),
  });
  const result = await terminal.during(`reading the bucket ${name}`, auditing);
  if (model !== undefined && result.counts.models === 0 && !isKept(heads, journals, model)) {
    throw noSuchModel(model, name);
  }
  return { result, trust };
}

const isKept = (heads: KeptHeads['heads'], journals: KeptHeads['journals'], model: string) =>
  heads[model] !== undefined || journals[model] !== undefined;

function noSuchModel(model: string, bucket: string): PortError {
  return new PortError(
    'UnknownModel',
    `the bucket "${bucket}" has nothing of a model "${model}"; ${typed('verify')} looks at all that it has`,
    { details: { model } },
  );
}

/** How much was read, now and then. */
function progressOf(terminal: Terminal): (counts: AuditCounts) => void {
  let toldMs = performance.now();
  return ({ files, documents, bytes }) => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    terminal.say(`read so far: ${files} files, ${documents} documents, ${size(bytes)}`);
  };
}

/** What was found, and how much was read. */
export function answerOf({ problems, counts }: AuditResult, model: string | undefined): Answer {
  const { models, versions, files, documents, snapshots, others, stagedRuns, bytes } = counts;
  const only = model === undefined ? [] : [model];
  const checked = `checked: ${models} models, ${versions} versions with ${files} files, ${documents} documents, ${snapshots} snapshots, ${others} other objects; ${size(bytes)} read`;
  return {
    lines: [
      ...problems.map(({ key, sentence }) => `${key} ${sentence}`),
      problems.length === 0 ? 'every object is as it must be' : `${problems.length} problems`,
      checked,
      ...(stagedRuns === 0
        ? []
        : [`${stagedRuns} runs have files in staging; ${typed('sweep')} says which may go`]),
    ],
    facts: { problems, counts },
    webUi: null,
    next:
      problems.length === 0
        ? [typed('versions', ...(model === undefined ? ['<model>'] : only))]
        : [typed('verify', ...only, '--json')],
    exitCode: problems.length === 0 ? 0 : 1,
  };
}
