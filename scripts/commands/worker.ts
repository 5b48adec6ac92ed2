import { defineCommand } from './terminal/define-command.js';

/** `switchyard worker`: a worker process by the environment, as `dev` starts it. */
export const runWorker = defineCommand({
  name: 'worker',
  takes: '',
  summary: 'runs a worker process by its environment, until Ctrl-C or SIGTERM',
  more: ['Its variables are in docs/reference.md. Log lines are JSON, on standard error.'],
  options: {},
  endsItself: true,
  run: async () => {
    await import('../../workers/main.js'); // it ends this process itself
    return { lines: [], facts: {}, webUi: null, next: [] };
  },
});
