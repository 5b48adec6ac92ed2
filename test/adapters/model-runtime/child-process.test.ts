import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CappedChild } from '../../../adapters/model-runtime/child-process.js';
import { temporaryFolder } from './temporary-folder.js';

const LIMIT_BYTES = 256 << 20;

/** How a process ends that holds so many bytes, and then has no last words. */
async function endOf(heldBytes: number) {
  await using folder = await temporaryFolder();
  const childPath = join(folder.path, 'child.mjs');
  await writeFile(
    childPath,
    `const held = Buffer.alloc(${heldBytes}, 1);
     setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 300, held);`,
  );
  const child = new CappedChild({
    ...{ nodePath: process.execPath, childPath, memoryLimitBytes: LIMIT_BYTES },
  });
  await child.watchClosely(child.ended);
  return await child.ended;
}

describe('CappedChild', () => {
  it('says that a process was short of memory that ended without a word at its limit, and of no other', async () => {
    const short = await endOf(0.75 * LIMIT_BYTES);
    assert.equal(short.type, 'OutOfMemory');
    assert.match(short.message, /by SIGSEGV with \d+ of 268435456 bytes/);
    const other = await endOf(1);
    assert.deepEqual([other.type, other.details['signal']], ['RuntimeCrashed', 'SIGSEGV']);
  });
});
