import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';

const packageSchema = z.object({ name: z.string() });

/** Whether this is the built package (`dist/`); in the checkout the sources themselves run, by tsx. */
const IS_BUILT = !import.meta.url.endsWith('.ts');

/** The folder of the package: the checkout, or `node_modules/switchyard` of whoever installed it. */
export const PACKAGE_ROOT = findPackageRoot(dirname(fileURLToPath(import.meta.url)));

/** The nearest folder, upwards from `folder`, whose package.json is the one of switchyard. */
export function findPackageRoot(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) {
    const read = packageSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (read.data?.name === 'switchyard') return folder;
  }
  const parent = dirname(folder);
  if (parent === folder) throw new Error('no folder above has the package.json of switchyard');
  return findPackageRoot(parent);
}

/** The absolute path of a source as it runs here: `workers/main` is `workers/main.ts`, or `dist/workers/main.js` in the package. */
export function sourceFile(name: string): string {
  return IS_BUILT ? join(PACKAGE_ROOT, 'dist', `${name}.js`) : join(PACKAGE_ROOT, `${name}.ts`);
}

/** The absolute path of what is bundled ahead, such as `workflow-bundle.js`; in the package it is there, in the checkout set-up makes it. */
export function bundledFile(name: string): string {
  return join(PACKAGE_ROOT, IS_BUILT ? 'dist/build' : '.switchyard/build', name);
}

/** How to start one of our own programs, such as `workers/main`, with this Node. */
export function ownProgram(name: string): { readonly binary: string; readonly args: string[] } {
  return { binary: process.execPath, args: [...(IS_BUILT ? [] : tsx()), sourceFile(name)] };
}

/** By its address, for whoever is started in another folder would not find the package by its name. */
function tsx(): string[] {
  const file = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(file).href];
}
