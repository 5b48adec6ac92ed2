import assert from 'node:assert/strict';
import { findPlace, pageOf, requireModel } from '../../../scripts/commands/terminal/place.js';
import { writeDevState } from '../../../scripts/servers/dev-state.js';
import { aFolder, failure } from '../../adapters/registry/builders.js';

const TEMPORAL = {
  address: '127.0.0.1:7001',
  namespace: 'default',
  uiUrl: 'http://127.0.0.1:8001',
};

async function aFolderWithServers() {
  const folder = await aFolder();
  const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };
  await writeDevState(folder.path, {
    ...{ schemaVersion: 1, pid: process.pid, models: ['tickets'], pids: {} },
    temporal: { ...TEMPORAL, pid: process.pid },
    s3: {
      endpoint: 'http://127.0.0.1:9001',
      region: 'us-east-1',
      bucket: 'dev',
      ...keys,
      pid: process.pid,
    },
    urls: { endpoint: 'http://127.0.0.1:9002' },
  });
  return folder;
}

describe('findPlace', () => {
  it('is what runs in the folder, where the environment names nothing', async () => {
    await using folder = await aFolderWithServers();
    const place = await findPlace({}, folder.path);
    assert.equal(place.temporal?.address, TEMPORAL.address);
    assert.equal(place.bucket?.bucket, 'dev');
    assert.equal(place.endpointUrl, 'http://127.0.0.1:9002');
    assert.equal(
      pageOf(place, 'live/tickets'),
      `${TEMPORAL.uiUrl}/namespaces/default/workflows/live%2Ftickets`,
    );
    assert.throws(
      () => requireModel(place, 'tikets'),
      failure('UnknownModel', /did you mean "tickets"\?/),
    );
  });

  it('is all of the environment where that names any of it, so that two installations are never mixed', async () => {
    await using folder = await aFolderWithServers();
    const place = await findPlace(
      { TEMPORAL_ADDRESS: 'far.example:7233', TEMPORAL_UI_URL: 'https://ui.example/' },
      folder.path,
    );
    assert.equal(place.temporal, null);
    assert.equal(place.bucket, null);
    assert.equal(place.endpointUrl, null);
    assert.equal(pageOf(place, null), 'https://ui.example/namespaces/default/workflows');
    requireModel(place, 'whatever'); // only the workers there know
    const bucket = await findPlace(
      { SWITCHYARD_BUCKET: 'b', S3_ENDPOINT: 'http://s3' },
      folder.path,
    );
    assert.deepEqual(bucket.bucket, { bucket: 'b', region: 'us-east-1', endpoint: 'http://s3' });
    assert.equal(bucket.temporal, null);
  });

  it('knows the pages of the servers in the folder by their variables, too', async () => {
    await using folder = await aFolderWithServers();
    const place = await findPlace({ TEMPORAL_ADDRESS: TEMPORAL.address }, folder.path);
    assert.equal(place.uiUrl, TEMPORAL.uiUrl);
  });

  it('is that of the default profile, where nothing else is named', async () => {
    await using folder = await aFolder({
      '.config/temporalio/temporal.toml': '[profile.default]\naddress = "far.example:7233"\n',
    });
    const place = await findPlace({ HOME: folder.path }, folder.path);
    assert.equal(place.temporal, null);
    assert.equal(place.bucket, null);
  });

  it('says what to type where there is neither', async () => {
    await using folder = await aFolder();
    await assert.rejects(
      findPlace({ HOME: folder.path }, folder.path),
      failure('SetUpMissing', /npx switchyard dev .* TEMPORAL_ADDRESS/),
    );
  });
});
