import { loadProject } from '../../workers/project.js';
import { setUpProject } from '../set-up-project.js';
import { defineCommand } from './terminal/define-command.js';
import { typed } from './terminal/words.js';

const OPTIONS = {
  config: { type: 'string', value: 'FILE', about: 'default: switchyard.config.ts' },
} as const;

/** `switchyard setup`: what `switchyard dev` does first. */
export const runSetup = defineCommand({
  name: 'setup',
  takes: '',
  summary: 'installs the servers, and the Python packages of the project’s trainers',
  more: ['Once: what is there as the locks say is left as it is. `dev` does it by itself.'],
  options: OPTIONS,
  run: async ({ values, terminal }) => {
    const project = await loadProject(values.config ?? 'switchyard.config.ts');
    await setUpProject(project, terminal.interrupted);
    return {
      lines: ['everything is installed'],
      facts: { trainers: Object.keys(project.trainers) },
      webUi: null,
      next: [typed('dev')],
    };
  },
});
