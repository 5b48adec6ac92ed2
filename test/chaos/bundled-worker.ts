import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';

const CONFIG = fileURLToPath(new URL('fixtures/switchyard.config.ts', import.meta.url));

/** What finds files of its own, or must be there once. */
const EXTERNAL = [
  ...['@temporalio/*', 'protobufjs', 'onnxruntime-node', 'webpack', 'swc-loader', '@swc/core'],
  ...['source-map-loader', 'esbuild', 'tsx'],
];

/** Packages in CommonJS ask for Node's own modules by `require`. */
const REQUIRE = (from: string) =>
  `import { createRequire as __from } from 'node:module'; const require = __from(${JSON.stringify(from)});`;

/** The worker and the chaos project in a file each, for `World.startWorker`; gone with its scope. */
export interface BundledWorker extends AsyncDisposable {
  readonly program: { readonly binary: string; readonly args: readonly string[] };
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Bundles our own code and most packages: a worker of the checkout takes 3 s of a core to start, most of it for reading hundreds of files,
 * and where one is started every two seconds nothing else would run.
 */
export async function bundleWorker(): Promise<BundledWorker> {
  const place = join(PACKAGE_ROOT, '.switchyard', 'chaos');
  await mkdir(place, { recursive: true });
  const folder = await mkdtemp(join(place, 'worker-')); // under the package, whose node_modules it needs
  const main = join(PACKAGE_ROOT, 'workers/main.ts');
  await build({
    entryPoints: { worker: main, config: CONFIG },
    ...{ bundle: true, platform: 'node', format: 'esm', external: [...EXTERNAL] },
    banner: { js: REQUIRE(main) },
    ...{ outdir: folder, outExtension: { '.js': '.mjs' }, logLevel: 'error' },
    // it stands where its source does, and finds the package's files from there
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(main).href) },
  });
  return {
    program: { binary: process.execPath, args: [join(folder, 'worker.mjs')] },
    environment: { SWITCHYARD_CONFIG: join(folder, 'config.mjs') },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
