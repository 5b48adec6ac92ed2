import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  readDevState,
  removeDevState,
  writeDevState,
  type DevState,
} from '../../scripts/servers/dev-state.js';

function aDevState(overrides: Partial<DevState> = {}): DevState {
  return {
    schemaVersion: 1,
    pid: process.pid,
    temporal: {
      ...{
        address: '127.0.0.1:7233',
        namespace: 'default',
        uiUrl: 'http://127.0.0.1:8233',
        pid: 2,
      },
    },
    s3: {
      ...{ endpoint: 'http://127.0.0.1:8333', region: 'us-east-1', bucket: 'switchyard' },
      ...{ accessKeyId: 'id', secretAccessKey: 'secret', pid: 3 },
    },
    urls: { endpoint: 'http://127.0.0.1:8080' },
    pids: { worker: 4 },
    ...overrides,
  };
}

describe('dev state', () => {
  let checkout = '';
  beforeEach(async () => (checkout = await mkdtemp(path.join(tmpdir(), 'switchyard-dev-'))));
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  it('is read as it was written, by its owner only', async () => {
    await writeDevState(checkout, aDevState());

    assert.deepEqual(await readDevState(checkout), aDevState());
    const { mode } = await stat(path.join(checkout, '.switchyard/dev.json'));
    assert.equal(mode & 0o777, 0o600);
  });

  it('is null where nothing was started', async () => {
    assert.equal(await readDevState(checkout), null);
  });

  it('is null once its process is gone', async () => {
    await writeDevState(checkout, aDevState({ pid: 2 ** 22 + 1 }));

    assert.equal(await readDevState(checkout), null);
  });

  it('is refused by name where it is of another make', async () => {
    await writeDevState(checkout, aDevState());
    await writeFile(path.join(checkout, '.switchyard/dev.json'), '{"schemaVersion": 9}');

    await assert.rejects(
      readDevState(checkout),
      /dev\.json is not a development state.*delete it/s,
    );
  });

  it('is removed only by the process that wrote it', async () => {
    await writeDevState(checkout, aDevState());

    await removeDevState(checkout, process.pid + 1);
    assert.notEqual(await readDevState(checkout), null);
    await removeDevState(checkout, process.pid);
    assert.equal(await readDevState(checkout), null);
  });
});
