#!/usr/bin/env node
/**
 * The `switchyard` command. In the built package it is what `dist/` has; in the checkout what set-up built of the sources, or
 * the sources themselves where one has changed since.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// loading takes a moment; from then on the command has a say of its own
process.on('SIGINT', () => {
  if (process.listenerCount('SIGINT') > 1) return;
  process.stderr.write('interrupted\n');
  process.exit(130);
});

const root = new URL('../', import.meta.url);
const source = new URL('scripts/switchyard.ts', root);
const built = new URL('.switchyard/build/command/', root);

if (!existsSync(source)) {
  await import('../dist/scripts/switchyard.js');
} else if (isFresh()) {
  await import(new URL('switchyard.mjs', built).href);
} else {
  try {
    const { register } = await import('tsx/esm/api');
    register();
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write('the packages are not installed: type npm run setup\n');
    process.exit(1);
  }
  await import(source.href);
}

/** Whether every source still has the size and the time that it had when the command was built; a few milliseconds. */
function isFresh() {
  try {
    const inputs = JSON.parse(readFileSync(new URL('inputs.json', built), 'utf8'));
    const folder = fileURLToPath(root);
    return inputs.every(([path, size, mtimeMs]) => {
      const now = statSync(folder + path);
      return now.size === size && now.mtimeMs === mtimeMs;
    });
  } catch {
    return false; // never built, or a source is gone
  }
}
