import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textModel } from '../support/small-models.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { aRequest, MODEL, startRig } from './serving-rig.js';
import type { ServingRig } from './serving-rig.js';

const INFER = `/v2/models/${MODEL}/infer`;
const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');

describe('an endpoint with tokens', () => {
  let rig: ServingRig;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
    const tokensFile = join(folder.path, 'tokens.json');
    const tokens = [
      { name: 'all', sha256: sha256('secret-all'), models: '*' },
      { name: 'own', sha256: sha256('secret-own'), models: [MODEL], customer: 'acme' },
      { name: 'other', sha256: sha256('secret-other'), models: ['other'] },
    ];
    await writeFile(tokensFile, JSON.stringify({ schemaVersion: 1, tokens }));
    rig = await startRig((registry) => registry.promote(registry.publish(textModel())), {
      tokensFile,
    });
  });
  after(async () => {
    await rig[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const get = (path: string, authorization?: string, headers: Record<string, string> = {}) =>
    fetch(rig.endpoint.url + path, {
      headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      ...(path === INFER && { method: 'POST', body: JSON.stringify(aRequest('refund')) }),
    });

  it('answers whose token is for the model', async () => {
    assert.equal((await get(INFER, 'Bearer secret-own')).status, 200);
    assert.equal((await get(INFER, 'bearer secret-all')).status, 200);
    assert.equal((await get(`/v2/models/${MODEL}`, 'Bearer secret-own')).status, 200);
  });

  for (const path of [INFER, '/metrics', '/v2', `/v2/models/${MODEL}`, '/any']) {
    it(`asks for one at ${path}`, async () => {
      const none = await get(path);
      assert.equal(none.status, 401);
      assert.equal(none.headers.get('www-authenticate'), 'Bearer');
      for (const wrong of ['Bearer secret', `Bearer ${sha256('secret-all')}`, 'Basic secret-all']) {
        assert.equal((await get(path, wrong)).status, 401, wrong);
      }
    });
  }

  it('refuses a token of another model, for what is here and what is not', async () => {
    for (const path of [INFER, `/v2/models/${MODEL}/ready`, '/v2/models/nothing']) {
      assert.equal((await get(path, 'Bearer secret-other')).status, 403, path);
    }
  });

  it('lists only the models that a token is for', async () => {
    const index = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      const url = `${rig.endpoint.url}/v2/repository/index`;
      return (await fetch(url, { method: 'POST', headers })).json();
    };
    assert.deepEqual(await index('secret-other'), []);
    assert.equal(JSON.stringify(await index('secret-own')).includes(MODEL), true);
  });

  it('tells its health to whoever asks', async () => {
    assert.equal((await get('/v2/health/ready')).status, 200);
    assert.equal((await get('/v2/health/../models/x')).status, 401);
  });

  it('takes the customer from the token though the header has other letters than ASCII', async () => {
    const letters = { 'switchyard-customer': 'M\u00fcller' };
    assert.equal((await get(INFER, 'Bearer secret-own', letters)).status, 200);
    assert.equal((await get(INFER, 'Bearer secret-all', letters)).status, 400);
  });

  it('takes the customer from the token, whatever the request says', async () => {
    await get(INFER, 'Bearer secret-own', { 'switchyard-customer': 'somebody-else' });
    await get(INFER, 'Bearer secret-all', { 'switchyard-customer': 'named' });
    await rig.endpoint.close();
    const customers = rig.registry.predictions.map(({ customer }) => customer);
    assert.deepEqual(customers.slice(-2), ['acme', 'named']);
    assert.ok(!customers.includes('somebody-else'));
  });

  it('does not start with a file that is wrong, and says what is', async () => {
    const tokensFile = join(folder.path, 'wrong.json');
    await writeFile(tokensFile, JSON.stringify({ schemaVersion: 1, tokens: [{ name: 'a' }] }));
    const started = startRig(() => undefined, { tokensFile });
    await assert.rejects(started, { type: 'SetUpMissing', message: /tokens\.0\.sha256|sha256/ });
    await assert.rejects(
      startRig(() => undefined, { tokensFile: `${tokensFile}-none` }),
      {
        type: 'SetUpMissing',
      },
    );
  });
});
