/** A mail's header fields by lower-case name, and its body as bytes written one to one as characters (latin1). */
export interface MailPart {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Splits a mail (or a part of one) into header fields and body; continued lines are joined, of a repeated field the first counts. */
export function parsePart(source: string): MailPart {
  const blank = source.indexOf('\n\n');
  const head = blank === -1 ? source : source.slice(0, blank);
  const headers = new Map<string, string>();
  for (const line of head.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (/^[!-9;-~]+$/.test(name) && !headers.has(name))
      headers.set(name, line.slice(colon + 1).trim());
  }
  return { headers, body: blank === -1 ? '' : source.slice(blank + 2) };
}

/** What a person reads of a mail: its first plain text part; of a mail that has only HTML, the HTML without its tags. */
export function readableText(part: MailPart): string {
  return findText(part, 'text/plain', 0) ?? stripTags(findText(part, 'text/html', 0) ?? '');
}

/** Parts within parts within parts are as deep as real mail goes. */
const MAX_DEPTH = 8;

function findText(part: MailPart, wanted: string, depth: number): string | null {
  const type = part.headers.get('content-type') ?? 'text/plain';
  const media = (/^[^;\s]+/.exec(type)?.[0] ?? 'text/plain').toLowerCase();
  if (media.startsWith('multipart/') && depth < MAX_DEPTH) {
    const texts = partsOf(part.body, parameter(type, 'boundary')).map((each) =>
      findText(parsePart(each), wanted, depth + 1),
    );
    return texts.find((text) => text !== null) ?? null;
  }
  const isAttached = /^attachment/i.test(part.headers.get('content-disposition') ?? '');
  // A type that is just "text" is the oldest way to say plain text.
  if (isAttached || (media !== wanted && !(media === 'text' && wanted === 'text/plain')))
    return null;
  return decodeCharset(
    decodeTransfer(part.body, part.headers.get('content-transfer-encoding') ?? ''),
    parameter(type, 'charset'),
  );
}

function parameter(header: string, name: string): string {
  const found = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]+))`, 'i').exec(header);
  return found?.[1] ?? found?.[2] ?? '';
}

function partsOf(body: string, boundary: string): string[] {
  if (boundary === '') return [];
  const lines = body.split('\n');
  const parts: string[][] = [];
  for (const line of lines) {
    const mark = line.trimEnd();
    if (mark === `--${boundary}--`) break;
    if (mark === `--${boundary}`) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  // A part without header fields starts with its empty line.
  return parts.map((each) =>
    each[0] === '' ? `\n\n${each.slice(1).join('\n')}` : each.join('\n'),
  );
}

function decodeTransfer(body: string, encoding: string): Buffer {
  switch (encoding.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64');
    case 'quoted-printable':
      return Buffer.from(
        body
          .replace(/[ \t]*=[ \t]*\n/g, '')
          .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
            String.fromCharCode(parseInt(hex, 16)),
          ),
        'latin1',
      );
    default:
      return Buffer.from(body, 'latin1');
  }
}

/** Bytes outside ASCII are what the mail says they are; where that is missing or wrong, UTF-8 if they fit it, else Windows-1252. */
function decodeCharset(bytes: Buffer, declared: string): string {
  const charset = declared.toLowerCase();
  if (WESTERN.has(charset)) return decodeWestern(bytes);
  const isVague = charset === '' || charset === 'us-ascii';
  return decodeStrictly(bytes, isVague ? 'utf-8' : charset) ?? decodeWestern(bytes);
}

function decodeStrictly(bytes: Buffer, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Names of Windows-1252 and of what is in it. */
const WESTERN = new Set(['iso-8859-1', 'latin1', 'windows-1252', 'cp1252']);

/** What Windows-1252 has at 0x80 to 0x9F; some versions of Node decode these bytes as control characters. */
const WINDOWS_1252 =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

function decodeWestern(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (byte) => WINDOWS_1252[byte.charCodeAt(0) - 0x80] ?? byte);
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ nbsp: ' ', amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" },
};

function stripTags(html: string): string {
  return html
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<!--[\s\S]*?-->/g, ' ')
    .replace(/<(br|p|div|tr|li|h\d)\b[^>]*>/gi, '\n')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(\w+);/g, (entity, name: string) => ENTITIES[name.toLowerCase()] ?? entity);
}
