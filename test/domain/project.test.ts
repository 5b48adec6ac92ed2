import assert from 'node:assert/strict';
import type { FailureType } from '../../domain/failures.js';
import {
  defineModel,
  defineProject,
  parseProject,
  type ProjectInput,
} from '../../domain/project.js';
import type { ModelSpecInput } from '../../domain/spec.js';
import { failure } from '../adapters/registry/builders.js';

const aModel = (overrides: Partial<ModelSpecInput> = {}): ModelSpecInput => ({
  model: 'tickets',
  train: { trainer: 'words', source: 'mails' },
  test: { gates: [{ metric: 'accuracy', min: 0.5 }] },
  ...overrides,
});

const aProject = (overrides: Partial<ProjectInput> = {}): ProjectInput => ({
  models: [defineModel(aModel())],
  trainers: { words: { project: 'trainer', script: 'train.py' } },
  sources: { mails: { rows: () => Promise.resolve([]) } },
  ...overrides,
});

describe('defineModel', () => {
  it('gives the complete specification, which a project takes as it is', () => {
    const model = defineModel(aModel());
    assert.equal(model.deploy.target, 'endpoint');
    assert.deepEqual(defineProject(aProject({ models: [model] })).models, [model]);
  });

  it('refuses at once what is wrong, with the nearest right key', () => {
    const wrong = { ...aModel(), retian: {} };
    assert.throws(
      () => defineModel(wrong),
      failure('InvalidSpec', /has no key "retian", did you mean "retrain"\?/),
    );
  });
});

describe('defineProject', () => {
  const { train } = aModel();
  const wrong: Readonly<Record<string, [unknown, FailureType, RegExp]>> = {
    'a key of a trainer with a typo': [
      { ...aProject(), trainers: { words: { project: 'trainer', scirpt: 'train.py' } } },
      'InvalidSpec',
      /trainers\.words has no key "scirpt", did you mean "script"\?/,
    ],
    'a key of a metric with a typo': [
      { ...aProject(), metrics: { rude: { kind: 'system', limit: 'max', meanning: '' } } },
      'InvalidSpec',
      /metrics\.rude has no key "meanning", did you mean "meaning"\?/,
    ],
    'a key of notify with a typo': [
      { ...aProject(), notify: { webhok: 'http://127.0.0.1' } },
      'InvalidSpec',
      /notify has no key "webhok", did you mean "webhook"\?/,
    ],
    'a trainer that is nothing of the kind': [
      { ...aProject(), trainers: { words: 7 } },
      'InvalidSpec',
      /trainers\.words: /,
    ],
    'a trainer with a typo': [
      aProject({ models: [aModel({ train: { ...train, trainer: 'wrods' } })] }),
      'UnknownTrainer',
      /names the trainer "wrods", which is not there, did you mean "words"\?/,
    ],
    'a source with a typo': [
      aProject({ models: [aModel({ train: { ...train, source: 'mail' } })] }),
      'UnknownDataSource',
      /names the source "mail", which is not there, did you mean "mails"\?/,
    ],
    'a target that is not there': [
      aProject({ models: [aModel({ deploy: { target: 'phone-app' } })] }),
      'UnknownTarget',
      /names the target "phone-app", which is not there \(there is endpoint\)/,
    ],
    'a target with a typo': [
      aProject({ models: [aModel({ deploy: { target: 'endpiont' } })] }),
      'UnknownTarget',
      /did you mean "endpoint"\?/,
    ],
  };
  for (const [what, [input, type, sentence]] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseProject(input, 'the project'), failure(type, sentence));
    });
  }

  const metrics = {
    'profane-answers': {
      ...{ kind: 'statistical', limit: 'max', range: [0, 1], meaning: 'share of rude answers' },
      measure: () => 0,
    } as const satisfies NonNullable<ProjectInput['metrics']>[string],
  };
  const gated = (metric: string, max = 0) =>
    aProject({ metrics, models: [aModel({ test: { gates: [{ metric, max }] } })] });

  it('lets a gate name a metric of its own, and says in the gate what that is', () => {
    const { models } = parseProject(gated('profane-answers'), 'the project');
    const { metric, own } = models['tickets']?.test.gates[0] ?? {};
    assert.equal(metric, 'profane-answers');
    assert.deepEqual(own, {
      ...{ kind: 'statistical', limit: 'max', unit: '', range: [0, 1] },
      meaning: 'share of rude answers',
    });
    assert.deepEqual(JSON.parse(JSON.stringify(own)), own);
  });

  it('refuses a gate on a metric that is not there, with the nearest name', () => {
    const refused = (input: ProjectInput, sentence: RegExp) =>
      assert.throws(() => defineProject(input), failure('InvalidSpec', sentence));
    refused(
      gated('profane-answer'),
      /"profane-answer", which is no metric, did you mean "profane-answers"\?/,
    );
    refused(gated('accuray'), /did you mean "accuracy"\?/);
    refused(gated('profane-answers', 2), /has max 2, outside 0 to 1/);
    refused(
      aProject({ metrics: { accuracy: metrics['profane-answers'] } }),
      /"accuracy" is a built-in metric/,
    );
  });

  it('gives a model without time cuts those of its source, and leaves others as they are', () => {
    const cuts = {
      train: { until: '2000-01-02T00:00:00Z' },
      heldOut: { from: '2000-01-02T00:00:00Z' },
    };
    const sources = { mails: { cuts, rows: () => Promise.resolve([]) } };
    const own = { heldOutRows: { from: '2026-01-01T00:00:00Z' } };
    const models = [aModel(), aModel({ model: 'own', train: { ...train, ...own } })];
    const project = parseProject(aProject({ models, sources }), 'the project');
    assert.deepEqual(project.models['tickets']?.train.trainRows, cuts.train);
    assert.deepEqual(project.models['tickets'].train.heldOutRows, cuts.heldOut);
    assert.deepEqual(project.models['own']?.train.trainRows, {});
  });

  it('takes an object with the methods of a trainer, and targets by name', () => {
    const trainer = {
      identify: () => Promise.reject(new Error('not asked')),
      run: () => Promise.reject(new Error('not asked')),
    };
    const targets = { app: { serving: () => Promise.resolve({ serves: true, note: '' }) } };
    const models = [aModel({ deploy: { target: 'app' } })];
    assert.ok(defineProject(aProject({ models, trainers: { words: trainer }, targets })));
  });

  it('looks for what is half done every minute, as often as it is told, or never', () => {
    const reconcileOf = (reconcile: ProjectInput['reconcile']) =>
      parseProject(aProject({ ...(reconcile !== undefined && { reconcile }) }), 'it').reconcile;
    assert.deepEqual(reconcileOf(undefined), { every: '1 minute' });
    assert.deepEqual(reconcileOf({ every: '10 seconds' }), { every: '10 seconds' });
    assert.equal(reconcileOf(false), false);
    for (const every of ['10 ms', 'often']) {
      assert.throws(() => reconcileOf({ every }), failure('InvalidSpec', /reconcile/));
    }
  });
});
