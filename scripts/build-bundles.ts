/** Builds what other processes load whole: the inference child and the workflow bundle. Skips what has not changed. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILD = join(ROOT, '.switchyard/build');

interface Bundle {
  readonly name: string;
  readonly outPath: string;
  /** Folders and files of which it is made. */
  readonly sources: readonly string[];
  readonly make: (outPath: string) => Promise<unknown>;
}

const CHILD: Bundle = {
  name: 'inference child',
  outPath: join(BUILD, 'inference-child.mjs'),
  sources: ['domain', 'adapters/model-runtime', 'scripts/build-bundles.ts', 'package-lock.json'],
  make: buildInferenceChild,
};

const WORKFLOWS: Bundle = {
  name: 'workflow bundle',
  outPath: join(BUILD, 'workflow-bundle.js'),
  sources: ['domain', 'workflows', 'workers/bundle.ts', 'package-lock.json'],
  make: async (outPath) => {
    // loaded only when there is something to build: it brings webpack
    const { buildWorkflowBundle } = await import('../workers/bundle.js');
    await buildWorkflowBundle(outPath);
  },
};

/** One file with all of `domain/` it needs; onnxruntime-node stays a package, because it loads a native library. */
async function buildInferenceChild(outPath: string): Promise<void> {
  await build({
    entryPoints: [join(ROOT, 'adapters/model-runtime/inference-child.ts')],
    outfile: outPath,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['onnxruntime-node'],
    legalComments: 'none',
    logLevel: 'warning',
  });
}

async function bring(bundle: Bundle): Promise<void> {
  const startedMs = performance.now();
  const digest = await digestOf(bundle.sources);
  const stampPath = `${bundle.outPath}.stamp`;
  const isCurrent = existsSync(bundle.outPath) && (await readIfThere(stampPath)) === digest;
  if (!isCurrent) {
    await mkdir(dirname(bundle.outPath), { recursive: true });
    // in place at once: a process that starts meanwhile reads the old one or the new one, never half of it
    const extension = bundle.outPath.slice(bundle.outPath.lastIndexOf('.'));
    const unfinished = `${bundle.outPath}.${process.pid}${extension}`;
    await bundle.make(unfinished);
    await rename(unfinished, bundle.outPath);
    await writeFile(stampPath, digest);
  }
  const { size } = await stat(bundle.outPath);
  const ms = Math.round(performance.now() - startedMs);
  const state = isCurrent ? 'unchanged' : 'built';
  process.stdout.write(`${bundle.name}: ${state}, ${Math.round(size / 1024)} KB, ${ms} ms\n`);
}

async function digestOf(sources: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const source of sources) {
    for (const file of await filesOf(source)) {
      hash.update(`\0${file}\0`).update(await readFile(join(ROOT, file)));
    }
  }
  return hash.digest('hex');
}

async function filesOf(source: string): Promise<string[]> {
  if (!(await stat(join(ROOT, source))).isDirectory()) return [source];
  const entries = await readdir(join(ROOT, source), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .sort();
}

async function readIfThere(path: string): Promise<string | null> {
  return existsSync(path) ? readFile(path, 'utf8') : null;
}

await bring(CHILD);
await bring(WORKFLOWS);
