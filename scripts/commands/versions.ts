import { liveWorkflowId } from '../../workflows/messages.js';
import { previousOf, type LiveState } from '../../domain/live-state.js';
import { shortDigest } from '../../domain/names.js';
import type { RegisteredVersion } from '../../domain/ports/registry.js';
import { knownVersions, openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, pageOf } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import { size, typed } from './terminal/words.js';

/** Metrics in the table; `show` has all. */
const METRICS_SHOWN = 3;

/** `switchyard versions <model>`: every version, newest first, and which of them serves. */
export const runVersions = defineCommand({
  name: 'versions',
  takes: '<model>',
  summary: 'a model’s versions: digest, which is live, previous or withdrawn, metrics, bytes',
  options: {},
  run: async ({ words: [model = ''], terminal }) => {
    const place = await findPlace();
    const bucket = openBucket(place);
    const reading = Promise.all([knownVersions(bucket, place, model), bucket.registry.live(model)]);
    const [versions, live] = await terminal.during(`reading ${bucket.name}`, reading);
    const rows = [...versions].reverse().map((version) => factsOf(version, live?.state ?? null));
    const [newest, before] = rows;
    return {
      lines: renderTable([
        ['version', 'digest', 'is', 'metrics', 'size'],
        ...rows.map(({ version, digest, is, metrics, bytes }) => [
          String(version),
          shortDigest(digest),
          is ?? '-',
          metricsLine(metrics),
          size(bytes),
        ]),
      ]),
      facts: { model, generation: live?.state.generation ?? 0, versions: rows },
      webUi: pageOf(place, liveWorkflowId(model)),
      next: [
        ...(newest === undefined ? [] : [typed('show', model, String(newest.version))]),
        ...(newest === undefined || before === undefined
          ? []
          : [typed('diff', model, String(before.version), String(newest.version))]),
      ],
    };
  },
});

function factsOf({ version, digest, manifest }: RegisteredVersion, live: LiveState | null) {
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  return { version, digest, is: markOf(digest, live), metrics: manifest.metrics, bytes };
}

/** What a version is by `live.json`: the live one, the one a fallback would go to, or one that a fallback left. */
export function markOf(
  digest: string,
  live: LiveState | null,
): 'live' | 'previous' | 'withdrawn' | null {
  if (live === null) return null;
  if (live.live === digest) return 'live';
  if (live.withdrawn.includes(digest)) return 'withdrawn';
  return previousOf(live)?.digest === digest ? 'previous' : null;
}

function metricsLine(metrics: Readonly<Record<string, number>>): string {
  const all = Object.entries(metrics);
  const shown = all
    .slice(0, METRICS_SHOWN)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  const more = all.length > METRICS_SHOWN ? [`${all.length - METRICS_SHOWN} more`] : [];
  return [...shown, ...more].join(', ') || '-';
}
