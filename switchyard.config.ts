import { createTicketMails } from './examples/tickets/mails.js';
import { defineModel, defineProject } from './domain/project.js';

export default defineProject({
  models: [
    defineModel({
      model: 'tickets',
      description: 'Routes a support mail to one of eight queues',
      train: {
        trainer: 'tickets',
        source: 'ticket-mails',
        trainRows: { until: '2002-09-01T00:00:00Z' },
        heldOutRows: { from: '2002-09-01T00:00:00Z', until: '2002-10-01T00:00:00Z' },
      },
      test: {
        gates: [
          { metric: 'artifact-bytes', max: 64 * 2 ** 20 },
          { metric: 'load-ms', max: 5_000 },
          { metric: 'latency-p99-ms', max: 25 },
          { metric: 'latency-slowest-ms', max: 50 },
          { metric: 'rows-per-second', min: 500 },
          { metric: 'peak-rss-bytes', max: 200 * 2 ** 20 },
          { metric: 'exceptions', max: 0 },
          { metric: 'accuracy', min: 0.6, minSample: 100 },
          { metric: 'macro-f1', min: 0.5, minSample: 100 },
          { metric: 'slice-accuracy', min: 0.2, minSample: 20 },
          { metric: 'calibration-error', max: 0.35, minSample: 100 },
          { metric: 'accuracy-difference', min: -0.05, minSample: 100 },
          { metric: 'macro-f1-difference', min: -0.1, minSample: 100 },
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
  trainers: { tickets: { project: 'trainers/sklearn', script: 'examples/tickets/train.py' } },
  sources: { 'ticket-mails': createTicketMails() },
});
