import { defineModel, defineProject } from '../../domain/project.js';
import { createAdMails, SPLIT } from './mails.js';

export default defineProject({
  models: [
    defineModel({
      model: 'ads',
      description: 'Tells advertising from what was written to be read',
      train: {
        trainer: 'words',
        source: 'ad-mails',
        trainRows: { until: SPLIT },
        heldOutRows: { from: SPLIT },
      },
      convert: { twin: 'int8' },
      test: {
        gates: [
          { metric: 'artifact-bytes', max: 512 * 2 ** 10 },
          { metric: 'load-ms', max: 10_000 },
          { metric: 'latency-p99-ms', max: 50 },
          { metric: 'rows-per-second', min: 500 },
          { metric: 'peak-rss-bytes', max: 200 * 2 ** 20 },
          { metric: 'exceptions', max: 0 },
          { metric: 'accuracy', min: 0.95, minSample: 1_000 },
          { metric: 'macro-f1', min: 0.9, minSample: 1_000 },
          { metric: 'slice-accuracy', min: 0.6, minSample: 50 },
          { metric: 'accuracy-difference', min: -0.02, minSample: 1_000 },
          { metric: 'twin-size', max: 0.5 },
          { metric: 'twin-slowdown', max: 2, minSample: 5 },
          { metric: 'twin-agreement', min: 0.99, minSample: 1_000 },
        ],
      },
      approve: { handOffs: [{ role: 'data-science' }, { role: 'engineering' }] },
    }),
  ],
  trainers: { words: { project: '../../trainers/sklearn', script: 'train.py' } },
  sources: { 'ad-mails': createAdMails() },
});
