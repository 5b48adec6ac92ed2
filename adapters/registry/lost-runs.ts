import { evidenceSchema } from '../../domain/evidence.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { inParallel } from './files.js';

const EVIDENCE = /^models\/([^/]+)\/evidence\/[0-9a-f]{64}\/[0-9a-f]{64}\.json$/;

/** The models that have a `live.json`. */
export async function modelsWithPointer(store: ObjectStore): Promise<readonly string[]> {
  const { objects } = await store.list('models/');
  return objects.flatMap(({ key }) => /^models\/([^/]+)\/live\.json$/.exec(key)?.[1] ?? []);
}

/** The models of lifecycles by their first runs, as far as their evidence tells: it names the run that gathered it. */
export async function modelsOfRuns(
  store: ObjectStore,
  runs: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (runs.length === 0) return new Map();
  const wanted = new Set(runs);
  const { objects } = await store.list('models/');
  const found = await inParallel(objects, async ({ key }) => {
    const model = EVIDENCE.exec(key)?.[1];
    const stored = model === undefined ? null : await store.get(key);
    if (model === undefined || stored === null) return [];
    const run = lifecycleOf(stored.bytes);
    return run !== null && wanted.has(run) ? [[run, model] as const] : [];
  });
  return new Map(found.flat());
}

/** Null for a report, and for what cannot be read: `verify` tells of that. */
function lifecycleOf(bytes: Uint8Array): string | null {
  try {
    const parsed = evidenceSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.data.lifecycle : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
