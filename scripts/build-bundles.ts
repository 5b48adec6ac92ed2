/** Builds what other processes load whole: the inference child, the prediction log's thread, the workflow bundle and the command. Skips what has not changed. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildCommand } from './build-command.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILD = join(ROOT, '.switchyard/build');

interface Bundle {
  readonly name: string;
  readonly outPath: string;
  /** Folders and files of which it is made. */
  readonly sources: readonly string[];
  /** Puts it in place at once, so that a process that starts meanwhile never reads half of it. */
  readonly make: (outPath: string) => Promise<unknown>;
  /** What else is worth saying of a new one. */
  readonly measure?: (outPath: string) => Promise<string>;
}

const CHILD: Bundle = {
  name: 'inference child',
  outPath: join(BUILD, 'inference-child.mjs'),
  sources: ['domain', 'adapters/model-runtime', 'scripts/build-bundles.ts', 'package-lock.json'],
  make: (outPath) => buildProgram('adapters/model-runtime/inference-child.ts', outPath),
};

const ENCODER: Bundle = {
  name: 'prediction encoder',
  outPath: join(BUILD, 'prediction-encoder.mjs'),
  sources: ['domain', 'adapters/prediction-log', 'scripts/build-bundles.ts', 'package-lock.json'],
  make: (outPath) => buildProgram('adapters/prediction-log/encoder-thread.ts', outPath),
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
  measure: async (outPath) => {
    const { measureWorkflowBundle } = await import('../workers/measure-bundle.js');
    const { mapBytes, loadMs } = await measureWorkflowBundle({ path: outPath, installs: true });
    return `; source map apart, ${kilobytes(mapBytes)}; a worker loads both in ${Math.round(loadMs)} ms`;
  },
};

/** One file with all that it needs; onnxruntime-node stays a package, because it loads a native library. */
async function buildProgram(source: string, outPath: string): Promise<void> {
  const unfinished = `${outPath}.${process.pid}.mjs`;
  await build({
    entryPoints: [join(ROOT, source)],
    outfile: unfinished,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['onnxruntime-node'],
    legalComments: 'none',
    logLevel: 'warning',
  });
  await rename(unfinished, outPath);
}

async function bring(bundle: Bundle): Promise<void> {
  const startedMs = performance.now();
  const digest = await digestOf(bundle.sources);
  const stampPath = `${bundle.outPath}.stamp`;
  const isCurrent = existsSync(bundle.outPath) && (await readIfThere(stampPath)) === digest;
  if (!isCurrent) {
    await mkdir(dirname(bundle.outPath), { recursive: true });
    await bundle.make(bundle.outPath);
    await writeFile(stampPath, digest);
  }
  const { size } = await stat(bundle.outPath);
  const ms = Math.round(performance.now() - startedMs);
  const state = isCurrent ? 'unchanged' : 'built';
  const more = isCurrent ? '' : ((await bundle.measure?.(bundle.outPath)) ?? '');
  process.stdout.write(`${bundle.name}: ${state}, ${kilobytes(size)}, ${ms} ms${more}\n`);
}

const kilobytes = (bytes: number) => `${Math.round(bytes / 1024)} KB`;

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

/** Always anew: it takes a second, and what it notes of its sources, their times, may have changed alone. */
async function bringCommand(): Promise<void> {
  const startedMs = performance.now();
  await buildCommand(join(BUILD, 'command/switchyard.mjs'));
  await writeFile(join(BUILD, 'command.stamp'), '');
  process.stdout.write(`command: built, ${Math.round(performance.now() - startedMs)} ms\n`);
}

await bring(CHILD);
await bring(ENCODER);
await bring(WORKFLOWS);
await bringCommand();
