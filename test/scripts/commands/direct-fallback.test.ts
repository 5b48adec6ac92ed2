import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { freePort } from '../../../scripts/servers/free-ports.js';
import { testServers } from '../../../testing/servers.js';
import { aDigest, aPromotion, uniqueModel } from '../../adapters/registry/builders.js';
import { storeOf } from '../../lifecycle/processes.js';
import { typeCommand, type Ended } from '../../support/typed-command.js';

const WHY = ['--reason', 'wrong queues', '--by', 'grace@example.com'];

describe('fallback while Temporal is down', () => {
  let folder = '';
  let registry: ObjectRegistry;
  let environment: Readonly<Record<string, string>>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchyard-direct-'));
    const servers = await testServers();
    const { endpoint, bucket, region, accessKeyId, secretAccessKey } = servers.s3;
    registry = new ObjectRegistry(storeOf(servers));
    environment = {
      ...{ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`, SWITCHYARD_BUCKET: bucket },
      ...{ S3_ENDPOINT: endpoint, AWS_REGION: region },
      ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    };
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const type = (...args: readonly string[]): Promise<Ended> =>
    typeCommand(args, { folder, environment });

  it('says that --direct exists, which needs the bucket only', async () => {
    const model = uniqueModel();
    await registry.changeLive(model, aPromotion('one', null), 'w1');
    await registry.changeLive(model, aPromotion('two', 'one'), 'w2');

    const refused = await type('fallback', model, ...WHY);
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(
      refused.stderr,
      new RegExp(
        `^no Temporal server answers at .*: npx switchyard fallback ${model} --direct .*\n$`,
      ),
    );
    assert.equal((await registry.live(model))?.state.generation, 2);

    const typed = ['fallback', model, '--direct', ...WHY];
    const [one, other] = await Promise.all([type(...typed, '--json'), type(...typed)]);
    assert.deepEqual([one.code, other.code], [0, 0], `${one.stderr}${other.stderr}`);
    const { state } = (await registry.live(model)) ?? assert.fail('live.json is gone');
    assert.deepEqual([state.live, state.generation], [aDigest('one'), 3]);
    assert.deepEqual(
      state.direct.map(({ by, reason, leaving }) => ({ by, reason, leaving })),
      [{ by: 'grace@example.com', reason: 'wrong queues', leaving: aDigest('two') }],
    );
  }).timeout(60_000);
});
