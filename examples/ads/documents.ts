import { readArchive } from '../mails/archive.js';
import { readableText } from '../mails/mime.js';
import { createAdMails, SPLIT } from './mails.js';

/** What comes down the pipeline: where it is from, and whatever was made of it on the way. */
export interface Document {
  readonly id: string;
  readonly document: unknown;
}

/** Shorter paragraphs are greetings and names. */
const LEAST_CHARACTERS = 80;
/** Characters of a document that the model's memory has no room for. */
const TOO_MANY = 28_000_000;

/**
 * So many documents: the mails that no model was trained on, then their paragraphs, all as they were written; among them, evenly, the
 * seven of `spoilt`.
 * @throws RangeError where there are not so many.
 */
export async function* readDocuments(count: number): AsyncGenerator<Document> {
  const broken = await spoilt();
  const every = Math.floor(count / broken.length);
  const good = written();
  for (let index = 0; index < count; index += 1) {
    const isBroken = index % every === every - 1;
    const next = isBroken ? broken.shift() : undefined;
    const document = next ?? (await good.next()).value;
    if (document === undefined) throw new RangeError(`there are only ${index} documents`);
    yield document;
  }
}

async function* written(): AsyncGenerator<Document, undefined> {
  const mails = await createAdMails().rows({ from: SPLIT });
  for (const { id, text } of mails) yield { id, document: { text } };
  for (const { id, text } of mails) {
    for (const [index, paragraph] of paragraphsOf(text).entries()) {
      yield { id: `${id}#${index + 1}`, document: { text: paragraph } };
    }
  }
  return undefined;
}

const paragraphsOf = (text: string): readonly string[] =>
  text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph.length >= LEAST_CHARACTERS);

/** Documents that something upstream has spoilt, each in a way of its own, out of real mails. */
async function spoilt(): Promise<Document[]> {
  const archive = await readArchive(['hard-ham-1']);
  const texts = archive.map(({ mail }) => readableText(mail));
  const [text = ''] = texts;
  const all = texts.join('\n');
  const bytes = Buffer.from(all.repeat(Math.ceil(TOO_MANY / all.length)));
  return [
    { id: 'scan without a text layer', document: null },
    { id: 'field renamed upstream', document: { body: text } },
    { id: 'number instead of a text', document: { text: archive.length } },
    { id: 'pages that nobody joined', document: { text: paragraphsOf(text) } },
    // as JSON has them
    { id: 'bytes that nobody decoded', document: { text: Buffer.from(text).toJSON() } },
    {
      id: 'attachment pasted as base64',
      document: { text: bytes.toString('base64').slice(0, TOO_MANY) },
    },
    { id: 'archive in place of a mail', document: { text: bytes.toString().slice(0, TOO_MANY) } },
  ];
}
