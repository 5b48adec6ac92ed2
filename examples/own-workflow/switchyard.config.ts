/** In a project of your own these come from 'switchyard'. */
import { csvSource } from '../../adapters/sources/csv-source.js';
import { defineModel, defineProject } from '../../domain/project.js';

export default defineProject({
  models: [
    defineModel({
      model: 'nightly',
      description: 'Routes a mail to one of three queues; trained anew every night',
      train: { trainer: 'words', source: 'mails', parameters: { min_df: 1 } },
      convert: { parityRows: 20 },
      test: {
        gates: [
          { metric: 'accuracy', min: 0.8 },
          { metric: 'unsure', max: 0.5 },
          { metric: 'accuracy-difference', min: -0.05 },
        ],
        resamples: 200,
      },
    }),
  ],
  trainers: { words: { project: '../../trainers/sklearn', script: '../tickets/train.py' } },
  sources: { mails: csvSource({ file: 'mails.csv', label: 'queue' }) },
  metrics: {
    unsure: {
      kind: 'statistical',
      limit: 'max',
      range: [0, 1],
      meaning: 'share of answers with a probability below one half',
      measure: ({ predictions }) => {
        const unsure = predictions.filter(({ probability }) => probability < 0.5);
        return unsure.length / predictions.length;
      },
    },
  },
  workflows: 'workflows.ts',
});
