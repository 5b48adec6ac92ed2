/** Makes `dist/`, the package's JavaScript, types and bundles: `npm run build`. */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundledFile, PACKAGE_ROOT } from '../adapters/package/package-root.js';

const DIST = join(PACKAGE_ROOT, 'dist');

/** What set-up has bundled before this runs, and a package cannot make by itself. */
const BUNDLES = [
  ...['workflow-bundle.js', 'workflow-bundle.js.map'],
  ...['inference-child.mjs', 'prediction-encoder.mjs'],
];

function compile(): void {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const project = join(PACKAGE_ROOT, 'tsconfig.build.json');
  const { status } = spawnSync(process.execPath, [compiler, '-p', project], { stdio: 'inherit' });
  if (status !== 0) process.exit(1); // it has said why
}

rmSync(DIST, { recursive: true, force: true });
compile();
for (const name of BUNDLES) cpSync(bundledFile(name), join(DIST, 'build', name));
process.stdout.write('dist/ is built; npm pack makes the package of it\n');
