import { csvSource, defineModel, defineProject } from 'switchyard';

export default defineProject({
  models: [
    defineModel({
      model: 'my-model',
      train: { trainer: 'own', source: 'rows' },
      test: {
        gates: [
          { metric: 'accuracy', min: 0.5, minSample: 20 },
          { metric: 'accuracy-difference', min: -0.05, minSample: 20 },
          { metric: 'exceptions', max: 0 },
          { metric: 'latency-p99-ms', max: 50 },
          { metric: 'artifact-bytes', max: 64 * 2 ** 20 },
        ],
      },
      approve: { handOffs: [{ role: 'data-science' }, { role: 'engineering' }] },
    }),
  ],
  trainers: { own: { project: 'switchyard:sklearn', script: 'train.py' } },
  sources: { rows: csvSource({ file: 'data/rows.csv', text: 'text', label: 'label' }) },
});
