import assert from 'node:assert/strict';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { typeCommand } from '../support/typed-command.js';
import { assertPrintsAsShown, LOCAL_TRAINING } from './expected-output.js';

const CONFIG = join(PACKAGE_ROOT, 'test/examples/fixtures/switchyard.config.ts');

describe('examples/tickets', () => {
  it('trains, converts and tests as its README shows', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'out');
    const args = ['train', 'tickets', '--local', '--config', CONFIG, '--out', out];

    const { code, stdout, stderr } = await typeCommand(args, { folder: PACKAGE_ROOT });

    assert.equal(code, 0, stderr);
    await assertPrintsAsShown(stderr + stdout, {
      document: 'examples/tickets/README.md',
      beginning: 'training on',
      masks: LOCAL_TRAINING,
    });
  }).timeout(180_000);
});
