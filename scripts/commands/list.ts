import type { Command } from './terminal/define-command.js';

/** Every subcommand by the words that are typed; each is loaded only when it is asked for. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.js')).runInit,
  setup: async () => (await import('./setup.js')).runSetup,
  dev: async () => (await import('./dev.js')).runDev,
  start: async () => (await import('./start.js')).runStart,
  status: async () => (await import('./status.js')).runStatus,
  approve: async () => (await import('./decide.js')).runApprove,
  reject: async () => (await import('./decide.js')).runReject,
  'needs-more-data': async () => (await import('./decide.js')).runNeedsMoreData,
  sweep: async () => (await import('./sweep.js')).runSweep,
  forget: async () => (await import('./forget.js')).runForget,
  fallback: async () => (await import('./order.js')).runFallback,
  freeze: async () => (await import('./order.js')).runFreeze,
  thaw: async () => (await import('./order.js')).runThaw,
  cancel: async () => (await import('./cancel.js')).runCancel,
  versions: async () => (await import('./versions.js')).runVersions,
  show: async () => (await import('./show.js')).runShow,
  diff: async () => (await import('./diff.js')).runDiff,
  pull: async () => (await import('./pull.js')).runPull,
  predict: async () => (await import('./predict.js')).runPredict,
  snapshot: async () => (await import('./snapshot.js')).runSnapshot,
  train: async () => (await import('./train.js')).runTrain,
  test: async () => (await import('./test.js')).runTest,
};
