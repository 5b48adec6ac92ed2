import { defineCommand } from './terminal/define-command.js';

/** `switchyard endpoint`: an endpoint by the environment, as `dev` starts it. */
export const runEndpoint = defineCommand({
  name: 'endpoint',
  takes: '',
  summary: 'runs an endpoint by its environment, until Ctrl-C or SIGTERM',
  more: ['Its variables are in docs/reference.md. Log lines are JSON, on standard error.'],
  options: {},
  endsItself: true,
  run: async () => {
    await import('../../serving/main.js'); // it ends this process itself
    return { lines: [], facts: {}, webUi: null, next: [] };
  },
});
