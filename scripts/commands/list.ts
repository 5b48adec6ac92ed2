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
  train: async () => (await import('./train.js')).runTrain,
  test: async () => (await import('./test.js')).runTest,
};
