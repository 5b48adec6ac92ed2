import { runSeeded } from './run-seeded.js';

/** `npm run chaos -- NAME`: breaks real processes while they work, then holds what they left against the invariants. */
await runSeeded('chaos', {
  matrix: async () => (await import('./matrix.js')).runMatrix,
  undo: async () => (await import('./undo.js')).runUndo,
  temporal: async () => (await import('./temporal.js')).runTemporal,
  workers: async () => (await import('./workers.js')).runWorkers,
  race: async () => (await import('./race.js')).runRace,
  s3: async () => (await import('./s3.js')).runS3,
  endpoints: async () => (await import('./endpoints.js')).runEndpoints,
});
