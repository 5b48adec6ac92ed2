/** Compiled, never run: keys that an editor must refuse. An expected error that is none fails `tsc`. */
import { defineModel, defineProject } from '../../domain/project.js';

const train = { trainer: 'words', source: 'mails' };
const gates = [{ metric: 'accuracy' as const, min: 0.7 }];
const test = { gates };

export const right = defineModel({ model: 'tickets', train, test });

// @ts-expect-error -- the key is approve
export const wrongKey = defineModel({ model: 'tickets', train, test, aprove: {} });

// @ts-expect-error -- a model has a name
export const missingKey = defineModel({ train, test });

export const wrongKeyInside = defineModel({
  ...{ model: 'tickets', train, test },
  // @ts-expect-error -- the key is minReplicas
  deploy: { minReplica: 2 },
});

export const wrongKind = defineModel({
  ...{ model: 'tickets', train },
  // @ts-expect-error -- a limit is a number
  test: { gates: [{ metric: 'accuracy', min: '0.7' }] },
});

export const wrongWord = defineModel({
  ...{ model: 'tickets', train, test },
  // @ts-expect-error -- in-order or in-parallel
  approve: { order: 'by-name' },
});

export const project = defineProject({
  models: [right],
  trainers: { words: { project: 'trainer', script: 'train.py' } },
  sources: { mails: { rows: () => Promise.resolve([]) } },
  // @ts-expect-error -- the key is targets
  target: {},
});

export const wrongTrainer = defineProject({
  models: [right],
  // @ts-expect-error -- a trainer is a project and a script, or an object with identify and run
  trainers: { words: { project: 'trainer' } },
  sources: { mails: { rows: () => Promise.resolve([]) } },
});

export const wrongSource = defineProject({
  models: [right],
  trainers: {},
  // @ts-expect-error -- rows are found out later
  sources: { mails: { rows: () => [] } },
});
