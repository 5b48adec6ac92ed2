import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { bundledFile } from '../../../adapters/package/package-root.js';

/**
 * Runs the thread in a process that is nicer than the thread would be, as `nice -n 15` makes it, and has no right to change that. Prints
 * what it answers. Its source is handed over, since who has no rights may not read the file.
 */
const PROGRAM = `
  const { Worker } = require('node:worker_threads');
  require('node:os').setPriority(15);
  if (process.getuid?.() === 0) { process.setgid(65534); process.setuid(65534); }
  const source = Buffer.from(require('node:fs').readFileSync(0)).toString('base64');
  const thread = new Worker(new URL('data:text/javascript;base64,' + source));
  thread.on('error', (error) => { console.log(error.message); process.exit(1); });
  thread.on('message', (reply) => { console.log(JSON.stringify(reply)); process.exit(); });
  thread.postMessage({ kind: 'encode', log: 1, id: 7, facts: {} });
`;

describe('the thread of the prediction log', () => {
  it('works in a process that is nice already', async () => {
    const source = await readFile(bundledFile('prediction-encoder.mjs'));
    const running = promisify(execFile)(process.execPath, ['-e', PROGRAM]);
    running.child.stdin?.end(source);
    const { stdout } = await running;
    assert.equal(stdout, '{"id":7,"files":[]}\n');
  });
});
