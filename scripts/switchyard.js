#!/usr/bin/env node
/** The `switchyard` command: plain JavaScript, so that Node runs it as it is; the command itself is TypeScript. */
try {
  const { register } = await import('tsx/esm/api');
  register();
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write('the packages are not installed: type npm run setup\n');
  process.exit(1);
}
await import('./switchyard.ts');
