#!/usr/bin/env node
/** The `switchyard` command: in the built package what `dist/` has, in the checkout the TypeScript itself. */
import { existsSync } from 'node:fs';

const source = new URL('./switchyard.ts', import.meta.url);
if (existsSync(source)) {
  try {
    const { register } = await import('tsx/esm/api');
    register();
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    process.stderr.write('the packages are not installed: type npm run setup\n');
    process.exit(1);
  }
  await import(source.href);
} else {
  await import('../dist/scripts/switchyard.js');
}
