import { fallBackDirectly, type DirectFallback } from '../../client/direct-fallback.js';
import { readKeyFile } from '../../client/signing/key-file.js';
import { requiredTrust } from '../../adapters/trust/trust-file.js';
import { personSealer } from '../../client/signing/sealers.js';
import { isPortError, PortError } from '../../domain/failures.js';
import type { LiveChangeResult } from '../../domain/live-state.js';
import { shortDigest } from '../../domain/names.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import type { Answer } from './terminal/answer.js';
import { openBucket } from './terminal/bucket.js';
import { findPlace, pageOf, trustFile } from './terminal/place.js';
import type { Terminal } from './terminal/terminal.js';
import { typed } from './terminal/words.js';

/** `switchyard fallback <model> --direct`: writes `live.json` itself. It needs the bucket, and neither Temporal nor a worker. */
export async function directFallback(
  terminal: Terminal,
  model: string,
  order: DirectFallback,
): Promise<Answer> {
  const place = await findPlace();
  const { keyFile } = place;
  const readKey = () => (keyFile === null ? Promise.resolve(null) : readKeyFile(keyFile));
  const file = trustFile();
  const trust = file === undefined ? null : await requiredTrust(file);
  const { registry, name } = openBucket(place, personSealer(readKey, trust));
  const startedMs = performance.now();
  const writing = fallBackDirectly(registry, model, order);
  const result = await terminal.during(`writing live.json of ${model} in ${name}`, writing);
  const ms = Math.round(performance.now() - startedMs);
  const { by, reason } = order;
  const later =
    result.kind === 'fallen-back'
      ? [`${liveWorkflowId(model)} adopts it once it runs, and opens the follow-up then`]
      : [];
  const said = shownFallback(result);
  return {
    lines: [
      `${model}: ${said}, generation ${result.generation}, written directly in ${ms} ms`,
      ...later,
    ],
    facts: { model, ...result, by, reason, direct: true, ms },
    webUi: pageOf(place, liveWorkflowId(model)),
    next: [typed('versions', model), typed('follow-ups', model)],
    exitCode: result.kind === 'no-previous' ? 1 : 0,
  };
}

/** What became of a fallback, in words. */
export function shownFallback({ kind, live }: LiveChangeResult): string {
  if (kind === 'fallen-back') return `fallen back, ${shortDigest(live ?? '')} serves`;
  if (kind === 'no-previous') return 'there is no version before this one to fall back to';
  return `nothing done (${kind}): ${shortDigest(live ?? '')} is live by now; name it with --leaving to leave it too`;
}

/** What an order that did not reach Temporal, or no worker, ended in: its sentence, and the way that needs neither. */
export function withDirectWay(error: unknown, model: string): unknown {
  const isOurs = isPortError(error) && WITHOUT_ANSWER.includes(error.type);
  if (!isOurs) return error;
  const way = typed('fallback', model, '--direct', '--reason', 'your reason');
  const sentence = `${error.message}; meanwhile this needs the bucket only: ${way}`;
  return new PortError(error.type, sentence, { cause: error, details: error.details });
}

/** No server, no worker, or no answer in time. */
const WITHOUT_ANSWER: readonly string[] = ['TemporalUnreachable', 'SetUpMissing'];
