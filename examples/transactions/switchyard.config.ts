/** In a project of your own these come from 'switchyard'. */
import { defineModel, defineProject } from '../../domain/project.js';
import { createStatementLines } from './statement-lines.js';

export default defineProject({
  models: [
    defineModel({
      model: 'transactions',
      description: 'Reads a line of a bank statement and names one of ten groups of spending',
      train: {
        trainer: 'lines',
        source: 'statement-lines',
        trainRows: { until: '2025-10-01T00:00:00Z' },
        heldOutRows: { from: '2025-10-01T00:00:00Z' },
      },
      convert: { twin: 'int8' },
      test: {
        gates: [
          { metric: 'artifact-bytes', max: 2 ** 20 },
          { metric: 'load-ms', max: 5_000 },
          { metric: 'latency-p99-ms', max: 10 },
          { metric: 'rows-per-second', min: 2_000 },
          { metric: 'peak-rss-bytes', max: 200 * 2 ** 20 },
          { metric: 'exceptions', max: 0 },
          { metric: 'accuracy', min: 0.55, minSample: 1_000 },
          { metric: 'macro-f1', min: 0.45, minSample: 1_000 },
          { metric: 'slice-accuracy', min: 0.35, minSample: 100 },
          { metric: 'calibration-error', max: 0.1, minSample: 1_000 },
          { metric: 'accuracy-difference', min: -0.02, minSample: 1_000 },
          { metric: 'twin-agreement', min: 0.98, minSample: 1_000 },
          { metric: 'twin-slowdown', max: 1.5 },
        ],
      },
      approve: {
        handOffs: [
          { role: 'data-science', deadline: '7 days', reminder: '1 day' },
          { role: 'engineering', deadline: '7 days', reminder: '1 day' },
        ],
      },
    }),
  ],
  trainers: { lines: { project: '../../trainers/sklearn', script: 'train.py' } },
  sources: { 'statement-lines': createStatementLines() },
});
