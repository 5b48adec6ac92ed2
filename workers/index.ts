/**
 * A worker process of your own: what `npx switchyard worker` runs, and its parts.
 *
 * @packageDocumentation
 */

export { runWorker } from './run-worker.js';
export { createLog } from '../adapters/process/process-log.js';
export { loadProject, type Project } from './project.js';
export { wireActivities } from './wire.js';
export { bringWorkflowBundle } from './own-workflows.js';
export { requiredSealer } from './witness.js';
export type { Sealer } from '../domain/ports/sealer.js';
export type { LineToSeal } from '../domain/signing/line-seal.js';
export { createWorkers, type WorkerGiven, type Workers } from './worker.js';
export { readWorkerEnvironment, type WorkerEnvironment } from './environment.js';

// The store that the activities write to.
export {
  S3ObjectStore,
  type S3ObjectStoreOptions,
} from '../adapters/object-store/s3-object-store.js';
export { probeConditionalWrites } from '../adapters/object-store/probe-conditional-writes.js';
