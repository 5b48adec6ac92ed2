/**
 * What the sender of a mail wrote himself. The rest gives the queue away or belongs to somebody else's mail: quoted text and
 * its introduction, copied header fields, signatures, the footers of the lists, and the advertisements of their host.
 */
export function ownWords(text: string): string {
  const lines = withoutSignedFrame(text.replace(/\r\n?/g, '\n'))
    .split('\n')
    .map((line) => line.trimEnd());
  const end = lines.findIndex((_, index) => isEnd(lines, index));
  return lines
    .slice(0, end === -1 ? undefined : end)
    .filter((line, index, all) => !isForeign(line) && !introducesQuote(all, index))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/(\n-{20,})+\s*$/, '')
    .trim();
}

/** Lines after which nothing is the sender's own: a signature, or the advertisement of the lists' host. */
const ENDS: readonly RegExp[] = [
  /^--$/,
  /^\W*This sf\.net email is sponsored by/i,
  /^In remembrance$/,
  /^-+ You are receiving this mail because/i,
];

const RULE = /^\s*_{20,}$/;
const FOOTER = /mailing list|listinfo|yahoo|msn|hotmail/i;
const ORIGINAL = /^-+ ?Original Message ?-+$/i;

function isEnd(lines: readonly string[], index: number): boolean {
  const line = lines[index] ?? '';
  if (ENDS.some((mark) => mark.test(line))) return true;
  if (RULE.test(line)) return lines.slice(index + 1, index + 4).some((next) => FOOTER.test(next));
  // Below an answer the original is quoted as a whole; above one it only heads the quotes that are answered one by one.
  return ORIGINAL.test(line) && lines.slice(0, index).some((before) => before.trim() !== '');
}

/** Lines of others, and lines that name a list. */
const FOREIGN: readonly RegExp[] = [
  // Quotes start with ">", or with the other marks of the time: "ab>", "|", ":", "}", "%".
  /^\s{0,4}(\w{0,4}>|[|:}%](\s|$))/,
  /^\s*(From|To|Cc|Subject|Date|Sent|Message-Id|Reply-To|Sender|Received|Delivered-To|Return-Path|Organi[sz]ation|In-Reply-To|List-\w+|Content-[\w-]+|X-\w+): /i,
  /\blistinfo\b/i,
  ORIGINAL,
  /\b(fork|ilug|social|rpm-list|rpm-zzzlist|razor-users|spamassassin-(talk|devel)|exmh-(users|workers))(-\w+)?@/i,
];

function isForeign(line: string): boolean {
  return FOREIGN.some((mark) => mark.test(line));
}

/** "On … Jane <jane@example.com> wrote:", on one line or on two. */
function introducesQuote(lines: readonly string[], index: number): boolean {
  const line = lines[index] ?? '';
  if (INTRODUCTION.test(line)) return true;
  return INTRODUCTION_START.test(line) && INTRODUCTION.test(lines[index + 1] ?? '');
}

const INTRODUCTION = /^.{0,200}\b(wrote|writes|said|spake)\s?(thus(ly)?)?\s?:$/i;
const INTRODUCTION_START = /^\s*(On|At|In|Once upon a time|Quoting|Quoth)\b/i;

/** A signed mail's own text, without the lines that say that it is signed. */
function withoutSignedFrame(text: string): string {
  return text
    .replace(
      /^-----BEGIN PGP SIGNATURE-----[\s\S]*?(^-----END PGP SIGNATURE-----$|$(?![\s\S]))/gm,
      '',
    )
    .replace(/^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Z][A-Za-z-]*: .*\n)*/gm, '');
}
