import { defineModel, defineProject } from '../../../domain/project.js';
import { createAdMails, SPLIT } from '../mails.js';

/** The second candidate for `ads`, a transformer: the same rows, gates that it can pass by itself, and the same one against what is live. */
export default defineProject({
  models: [
    defineModel({
      model: 'ads',
      description: 'Tells advertising from what was written to be read',
      train: {
        trainer: 'minilm',
        source: 'ad-mails',
        trainRows: { until: SPLIT },
        heldOutRows: { from: SPLIT },
        deadline: '1 hour',
      },
      convert: { twin: 'int8' },
      test: {
        gates: [
          { metric: 'artifact-bytes', max: 30e6 },
          { metric: 'load-ms', max: 10_000 },
          { metric: 'latency-p99-ms', max: 100 },
          { metric: 'rows-per-second', min: 20 },
          { metric: 'peak-rss-bytes', max: 600 * 2 ** 20 },
          { metric: 'exceptions', max: 0 },
          { metric: 'accuracy', min: 0.9, minSample: 1_000 },
          { metric: 'macro-f1', min: 0.8, minSample: 1_000 },
          { metric: 'slice-accuracy', min: 0.6, minSample: 50 },
          { metric: 'accuracy-difference', min: -0.02, minSample: 1_000 },
          { metric: 'twin-size', max: 0.5 },
          { metric: 'twin-slowdown', max: 1.2, minSample: 5 },
          { metric: 'twin-agreement', min: 0.95, minSample: 1_000 },
        ],
      },
      approve: { handOffs: [{ role: 'data-science' }, { role: 'engineering' }] },
    }),
  ],
  trainers: { minilm: { project: '../../../trainers/minilm', script: 'train.py' } },
  sources: { 'ad-mails': createAdMails() },
});
