import { basename, relative, resolve } from 'node:path';
import { nameSchema } from '../../domain/names.js';
import { lookAtCsv } from '../init/look-at-csv.js';
import { dependenciesOf } from '../init/package-source.js';
import { writeProject } from '../init/write-project.js';
import { defineCommand } from './terminal/define-command.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

const OPTIONS = {
  csv: { type: 'string', value: 'FILE', about: 'your rows; an invented sample where left out' },
  text: { type: 'string', value: 'COLUMN', about: 'its column of texts; default: text' },
  label: { type: 'string', value: 'COLUMN', about: 'its column of right answers; default: label' },
  model: { type: 'string', value: 'NAME', about: 'the model’s name; default: the folder’s' },
} as const;

/** `switchyard init [folder]`: a project to begin with. */
export const runInit = defineCommand({
  name: 'init',
  takes: '[<folder>]',
  summary: 'makes a project: a model’s configuration, its training script, its rows and a test',
  options: OPTIONS,
  run: async ({ values, words }) => {
    const folder = resolve(words[0] ?? '.');
    const model = values.model ?? modelOf(folder);
    if (!nameSchema.safeParse(model).success) {
      throw new UsageError(`init: "${model}" is no model’s name; name one with --model NAME`);
    }
    const { text, label } = values;
    const csv =
      values.csv === undefined
        ? null
        : await lookAtCsv(values.csv, {
            ...(text !== undefined && { text }),
            ...(label !== undefined && { label }),
          });
    const dependencies = dependenciesOf(folder);
    const files = await writeProject({ folder, model, dependencies, csv });
    const data =
      csv === null ? 'an invented sample' : `${csv.rows} rows, labels ${csv.labels.join(', ')}`;
    const to = relative(process.cwd(), folder);
    return {
      lines: [
        `${folder} is a project for the model ${model}`,
        `data/rows.csv holds ${data.slice(0, 300)}`,
      ],
      facts: { folder, model, files, rows: csv?.rows ?? null, labels: csv?.labels ?? null },
      webUi: null,
      next: [...(to === '' ? [] : [`cd ${to}`]), 'npm install', typed('dev')],
    };
  },
});

/** The folder's name as a model's. */
function modelOf(folder: string): string {
  return basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
}
