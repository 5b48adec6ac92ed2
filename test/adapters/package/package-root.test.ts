import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bundledFile,
  findPackageRoot,
  ownProgram,
  PACKAGE_ROOT,
  sourceFile,
} from '../../../adapters/package/package-root.js';
import { temporaryFolder } from '../model-runtime/temporary-folder.js';

describe('findPackageRoot', () => {
  it('passes by the package.json of others', async () => {
    await using folder = await temporaryFolder();
    const inside = join(folder.path, 'dist/adapters');
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(folder.path, 'package.json'), '{"name":"switchyard"}');
    writeFileSync(join(folder.path, 'dist/package.json'), '{"name":"other"}');
    writeFileSync(join(inside, 'package.json'), '{"type":"module"}');

    assert.equal(findPackageRoot(inside), folder.path);
  });

  it('says so where there is none', () => {
    assert.throws(
      () => findPackageRoot('/'),
      /no folder above has the package\.json of switchyard/,
    );
  });
});

describe('ownProgram', () => {
  it('starts a source of the checkout from any folder', () => {
    const { binary, args } = ownProgram('scripts/switchyard');

    assert.match(execFileSync(binary, [...args, '--help'], { cwd: '/' }).toString(), /switchyard/);
  });

  it('finds sources and bundles in the checkout', () => {
    assert.equal(sourceFile('workers/main'), join(PACKAGE_ROOT, 'workers/main.ts'));
    assert.equal(existsSync(bundledFile('workflow-bundle.js')), true);
  });
});
