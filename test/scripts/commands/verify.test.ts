import assert from 'node:assert/strict';
import { z } from 'zod';
import { soundBucket } from '../../adapters/registry/audit/sound-bucket.js';
import { aFolder } from '../../adapters/registry/builders.js';
import { ownBucket } from '../../support/own-bucket.js';
import { typeCommand } from '../../support/typed-command.js';

const MODEL = 'tickets';

const answerSchema = z.looseObject({
  problems: z.array(z.strictObject({ kind: z.string(), key: z.string(), sentence: z.string() })),
  counts: z.looseObject({ versions: z.number(), files: z.number(), bytes: z.number() }),
});

describe('switchyard verify', () => {
  it('needs the bucket only; ends with 0 and what it read, or with 1 and each object that is wrong', async () => {
    await using folder = await aFolder();
    const { store, environment } = await ownBucket();
    await soundBucket(store, MODEL);
    const type = (...args: readonly string[]) =>
      typeCommand(['verify', ...args], { folder: folder.path, environment });

    const [sound, ofModel, misspelt] = await Promise.all([
      type(),
      type(MODEL, '--json'),
      type('ticket'),
    ]);
    assert.equal(sound.code, 0, sound.stdout + sound.stderr);
    assert.match(
      sound.stdout,
      /^every object is as it must be\nchecked: 1 models, 3 versions with/,
    );
    assert.match(sound.stdout, /\n1 runs have files in staging/);
    assert.deepEqual(answerSchema.parse(JSON.parse(ofModel.stdout)).problems, []);
    assert.equal(misspelt.code, 1);
    assert.match(misspelt.stderr, /^the bucket "own-[0-9a-f]+" has nothing of a model "ticket";/);

    const [edited, foreign] = ['model.onnx', 'other.onnx'].map(
      (file) => `models/${MODEL}/versions/2/${file}`,
    );
    await store.put(edited ?? '', Buffer.from('Graph 2'), 'none');
    await store.put(foreign ?? '', Buffer.from('graph'), 'none');
    await store.delete(`models/${MODEL}/versions/1/manifest.json`);
    const [broken, asJson] = await Promise.all([type(), type('--json')]);
    assert.equal(broken.code, 1, broken.stderr);
    assert.match(broken.stdout, new RegExp(`^${edited} has sha256 \\w+, expected`, 'm'));
    assert.match(broken.stdout, new RegExp(`^${foreign} is no file of its version`, 'm'));
    assert.match(broken.stdout, /live\.json names version 1, but .* \(it is the previous one\)$/m);
    const { problems, counts } = answerSchema.parse(JSON.parse(asJson.stdout));
    assert.deepEqual([asJson.code, counts.versions, counts.files], [1, 2, 4]);
    assert.deepEqual(problems.map(({ kind }) => kind).sort(), ['changed', 'foreign', 'pointer']);
  }).timeout(60_000);
});
