import assert from 'node:assert/strict';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { temporaryFolder } from '../adapters/model-runtime/temporary-folder.js';
import { typeCommand } from '../support/typed-command.js';
import { assertPrintsAsShown, type Mask } from './expected-output.js';

const CONFIG = join(PACKAGE_ROOT, 'test/examples/fixtures/switchyard.config.ts');

/** Time and memory of a machine at a moment, the last bits of its arithmetic, and where the folder lies. */
const MASKS: readonly Mask[] = [
  [/^(\w+ +(?:load-ms|latency-\S+|rows-per-second|peak-rss-bytes) is ).*$/gm, '$1…'],
  [/\d\.\de-\d+$/gm, '…'],
  [/\S+(?=\/version\/model\.onnx|\/held-out\.jsonl)/g, '…'],
];

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
      masks: MASKS,
    });
  }).timeout(180_000);
});
