import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { PACKAGE_ROOT } from '../adapters/package/package-root.js';

/**
 * What most commands load. In one file they load faster than from hundreds; what holds native code, finds its files by their
 * place or is needed by few commands stays a package.
 */
const BUNDLED = [
  ...['@temporalio/client', '@temporalio/common', '@temporalio/envconfig', '@temporalio/workflow'],
  ...['@aws-sdk/client-s3', '@noble/hashes', 'zod'],
];

/** CommonJS packages inside an ES module ask for these. */
const COMMONJS = [
  "import { createRequire as makeRequire } from 'node:module';",
  "import { fileURLToPath as toPath } from 'node:url';",
  'const require = makeRequire(import.meta.url);',
  'const __filename = toPath(import.meta.url);',
  "const __dirname = toPath(new URL('.', import.meta.url));",
].join('');

/** A process that began with the build before may still want a part of it. */
const OLD_PARTS_MS = 10 * 60_000;

/**
 * Builds the `switchyard` command into a folder: `switchyard.mjs`, its parts, which load lazily, and `inputs.json`, by which
 * `switchyard.js` sees whether a source has changed since.
 */
export async function buildCommand(entry: string): Promise<void> {
  const folder = dirname(entry);
  const { outputFiles, metafile } = await build({
    entryPoints: { [basename(entry, '.mjs')]: join(PACKAGE_ROOT, 'scripts/switchyard.ts') },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'part-[hash]',
    ...{ bundle: true, splitting: true, minify: true, write: false, metafile: true },
    ...{ platform: 'node', format: 'esm', target: 'node20', absWorkingDir: PACKAGE_ROOT },
    banner: { js: COMMONJS },
    plugins: [ownAddresses, packagesApart],
    legalComments: 'none',
    logLevel: 'warning',
  });
  await mkdir(folder, { recursive: true });
  // the entry last, and at once: whoever starts meanwhile has the old one or the new one with all its parts
  for (const { path, contents } of outputFiles.filter((file) => file.path !== entry)) {
    await writeFile(path, contents);
  }
  const inputs = Object.keys(metafile.inputs).filter((path) => !path.startsWith('node_modules/'));
  await writeInputs(folder, [...inputs, 'package-lock.json']);
  const whole = outputFiles.find((file) => file.path === entry);
  if (whole === undefined) throw new Error(`esbuild made no ${entry}`);
  await writeFile(`${entry}.${process.pid}`, whole.contents);
  await rename(`${entry}.${process.pid}`, entry);
  await removeOldParts(folder, new Set(outputFiles.map(({ path }) => path)));
}

/** Each source keeps its own address, by which it finds other files. */
const ownAddresses: Plugin = {
  name: 'own addresses',
  setup: (building) => {
    building.onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
      if (path.includes('/node_modules/')) return null;
      const source = await readFile(path, 'utf8');
      if (!source.includes('import.meta.url')) return null;
      const address = JSON.stringify(pathToFileURL(path).href);
      return {
        contents: source.replaceAll('import.meta.url', address),
        loader: path.endsWith('.ts') ? 'ts' : 'js',
      };
    });
  },
};

const packagesApart: Plugin = {
  name: 'packages apart',
  setup: (building) => {
    building.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      const isOurs = kind !== 'entry-point' && !importer.includes('/node_modules/');
      const isBundled = BUNDLED.some((name) => path === name || path.startsWith(`${name}/`));
      return isOurs && !isBundled ? { path, external: true } : null;
    });
  },
};

/** Size and time of each source: what a start can compare in a few milliseconds. */
async function writeInputs(folder: string, paths: readonly string[]): Promise<void> {
  const rows = await Promise.all(
    paths.map(async (path) => {
      const { size, mtimeMs } = await stat(join(PACKAGE_ROOT, path));
      return [path, size, mtimeMs];
    }),
  );
  await writeFile(join(folder, 'inputs.json'), JSON.stringify(rows));
}

async function removeOldParts(folder: string, current: ReadonlySet<string>): Promise<void> {
  const parts = (await readdir(folder)).filter((name) => name.startsWith('part-'));
  for (const path of parts.map((name) => join(folder, name))) {
    if (current.has(path)) continue;
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > OLD_PARTS_MS) await rm(path, { force: true });
  }
}
