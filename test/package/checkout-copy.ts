import { execFileSync } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';

/** What a checkout that is set up has beside its files. */
const INSTALLED = ['node_modules', '.switchyard/tools'];

/** What set-up has made, with what it knows it by. */
const MADE = ['.switchyard/setup', '.switchyard/build'];

/** Copies the files of this checkout into `folder`, as a clone would have them; what is installed is linked. */
export async function copyCheckout(folder: string): Promise<void> {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: PACKAGE_ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  const files = listed.split('\0').filter((file) => existsSync(join(PACKAGE_ROOT, file)));
  for (const file of files.filter((each) => each !== '' && !each.startsWith('test/'))) {
    await cp(join(PACKAGE_ROOT, file), join(folder, file), { preserveTimestamps: true });
  }
  // not the Python environments: those hold the way to the trainer kit of this very checkout
  for (const name of INSTALLED) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await symlink(join(PACKAGE_ROOT, name), join(folder, name));
  }
  for (const name of MADE) {
    await cp(join(PACKAGE_ROOT, name), join(folder, name), { recursive: true });
  }
}
