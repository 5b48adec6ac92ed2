import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FailureType } from '../../domain/failures.js';
import { loadProject } from '../../workers/project.js';
import { aFolder, failure } from '../adapters/registry/builders.js';

const MODEL = `{
  model: 'tickets',
  train: { trainer: 'words', source: 'mails' },
  test: { gates: [{ metric: 'accuracy', min: 0.5 }] },
}`;
const PARTS = {
  models: `[${MODEL}]`,
  trainers: `{ words: { project: 'trainer', script: 'train.py' } }`,
  sources: `{ mails: { rows: async () => [] } }`,
};

/** A configuration in which some parts differ. */
const aConfig = (parts: Partial<typeof PARTS> & Record<string, string> = {}) =>
  `export default {${Object.entries({ ...PARTS, ...parts })
    .map(([name, text]) => `${name}: ${text}`)
    .join(', ')}};`;

const FILE = 'switchyard.config.ts';

describe('loadProject', () => {
  it('knows the models with every default, and its own folder', async () => {
    await using folder = await aFolder({ [FILE]: aConfig() });
    const { models, root, trainers } = await loadProject(join(folder.path, FILE));
    assert.equal(root, folder.path);
    assert.deepEqual(Object.keys(models), ['tickets']);
    assert.equal(models['tickets']?.deploy.minReplicas, 1);
    assert.deepEqual(trainers, { words: { project: 'trainer', script: 'train.py' } });
  });

  it('says that there is no file', async () => {
    await using folder = await aFolder();
    await assert.rejects(
      loadProject(join(folder.path, FILE)),
      failure('SetUpMissing', /^\/.*switchyard\.config\.ts does not load: /),
    );
  });

  const wrong: Readonly<Record<string, [string, FailureType, RegExp]>> = {
    'a file with a syntax error': ['export default {', 'SetUpMissing', /does not load: /],
    'a file that exports nothing': ['export const a = 1;', 'InvalidSpec', /is wrong: .*models/],
    'no models': [aConfig({ models: '[]' }), 'InvalidSpec', /is wrong: models: /],
    'a key with a typo': [
      aConfig({ source: '{}' }),
      'InvalidSpec',
      /is wrong: it has no key "source", did you mean "sources"\?/,
    ],
    'a key of a model with a typo': [
      aConfig({ models: `[{ ...${MODEL}, depoly: {} }]` }),
      'InvalidSpec',
      /model "tickets" is wrong: it has no key "depoly", did you mean "deploy"\?/,
    ],
    'what defineModel refuses': [
      `import { defineModel } from '${fileURLToPath(new URL('../../domain/project.ts', import.meta.url))}';
       export default { models: [defineModel({ ...${MODEL}, depoly: {} })] };`,
      'InvalidSpec',
      /switchyard\.config\.ts: the specification of model "tickets" is wrong: .*did you mean "deploy"/,
    ],
    'two models of one name': [
      aConfig({ models: `[${MODEL}, ${MODEL}]` }),
      'InvalidSpec',
      /has two models named "tickets"/,
    ],
    'a trainer that is not there': [
      aConfig({ trainers: '{}' }),
      'UnknownTrainer',
      /model "tickets" names the trainer "words", which is not there/,
    ],
    'a source that is not there': [
      aConfig({ sources: '{}' }),
      'UnknownDataSource',
      /model "tickets" names the source "mails", which is not there/,
    ],
    'a source that gives no rows': [
      aConfig({ sources: '{ mails: {} }' }),
      'InvalidSpec',
      /sources\.mails: a data source has a method rows\(cut\)/,
    ],
  };
  for (const [what, [text, type, sentence]] of Object.entries(wrong)) {
    it(`refuses ${what} in one sentence`, async () => {
      await using folder = await aFolder({ [FILE]: text });
      await assert.rejects(
        loadProject(join(folder.path, FILE)),
        (error) => failure(type, sentence)(error) && !/\n/.test(String(error)),
      );
    });
  }
});
