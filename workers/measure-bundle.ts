import { readFile } from 'node:fs/promises';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { mapBeside, readWorkflowBundle, WORKFLOW_BUNDLE_PATH } from './bundle.js';

/** A bundle's weight: what is shipped, and how long a worker takes to load it. */
export interface BundleMeasurement {
  readonly codeBytes: number;
  readonly mapBytes: number;
  /** Median time of making a worker (for replay, so that no server is asked) with the bundle, in ms. */
  readonly loadMs: number;
}

/**
 * Measures a built bundle; the first, cold worker of the process is not counted.
 * @param given - `installs`: whether a runtime without a word is installed first, in a process that has none yet.
 */
export async function measureWorkflowBundle({
  path = WORKFLOW_BUNDLE_PATH,
  loads = 5,
  installs = false,
}: { path?: string; loads?: number; installs?: boolean } = {}): Promise<BundleMeasurement> {
  if (installs) Runtime.install({ logger: new DefaultLogger('ERROR') });
  const times: number[] = [];
  for (let load = 0; load <= loads; load += 1) {
    const startedMs = performance.now();
    const workflowBundle = await readWorkflowBundle(path);
    // no history: the worker is made, loads the bundle, and ends
    const replayed = Worker.runReplayHistories({ workflowBundle }, []);
    for await (const { error } of replayed) if (error) throw error;
    if (load > 0) times.push(performance.now() - startedMs);
  }
  const [code, map] = await Promise.all([readFile(path), readFile(mapBeside(path))]);
  times.sort((left, right) => left - right);
  const loadMs = times[Math.floor(times.length / 2)] ?? Number.NaN;
  return { codeBytes: code.length, mapBytes: map.length, loadMs };
}
