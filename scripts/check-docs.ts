/** Holds the documents against the code they describe; prints what differs, and ends with 1 where anything does. */
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandNames, docTableProblems } from './doc-tables.js';
import { readDocTexts, type DocTexts } from './doc-texts.js';

/** One sentence for each place where a document and the code differ. */
export function docProblems(texts: DocTexts): readonly string[] {
  return [
    ...snippetProblems(texts),
    ...docTableProblems(texts),
    ...Object.entries(texts.documents).flatMap(([name, text]) => [
      ...linkProblems(name, text, texts),
      ...npmProblems(name, text, texts.npmScripts),
      ...commandProblems(name, text, commandNames(texts.sources)),
    ]),
  ];
}

/** Regions between `// readme: start` and `// readme: end`, and the README's code below `<!-- snippet: PATH -->`. */
function snippetProblems({ documents, sources }: DocTexts): readonly string[] {
  const readme = documents['README.md'] ?? '';
  const shown = new Map(
    [...readme.matchAll(/<!-- snippet: (\S+) -->\n+```\w*\n([\s\S]*?)```/g)].map(
      ([, path = '', code = '']) => [path, code.trim()],
    ),
  );
  const marked = new Map(
    Object.entries(sources).flatMap(([path, source]) => {
      const region = /^\/\/ readme: start\n([\s\S]*?)^\/\/ readme: end$/m.exec(source)?.[1];
      return region === undefined ? [] : [[path, region.trim()]];
    }),
  );
  return [...new Set([...shown.keys(), ...marked.keys()])].flatMap((path) => {
    if (shown.get(path) === marked.get(path)) return [];
    if (!marked.has(path)) return [`README.md shows ${path}, which marks no region for it`];
    if (!shown.has(path)) return [`${path} marks a region that README.md does not show`];
    return [`README.md: the code is not the marked region of ${path}`];
  });
}

/** Relative links lead to a file, and to a heading in it where they name one. */
function linkProblems(name: string, text: string, texts: DocTexts): readonly string[] {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, target = '']) => target,
  );
  return links.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? name : posix.join(posix.dirname(name), path);
    if (!texts.exists(file)) return [`${name}: the link ${target} leads nowhere`];
    const headings = texts.documents[file];
    if (anchor === undefined || headings === undefined) return [];
    return anchorsOf(headings).has(anchor) ? [] : [`${name}: ${file} has no heading #${anchor}`];
  });
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  return new Set(
    [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '');
}

/** `npm run NAME` in a document is a script of package.json. */
function npmProblems(name: string, text: string, scripts: readonly string[]): readonly string[] {
  const named = [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, script = '']) => script);
  return [...new Set(named)]
    .filter((script) => !scripts.includes(script))
    .map((script) => `${name}: package.json has no script "${script}"`);
}

/** `npx switchyard NAME` in a document is a command, of one word or of two. */
function commandProblems(
  name: string,
  text: string,
  commands: readonly string[],
): readonly string[] {
  const typed = [...text.matchAll(/npx switchyard ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/g)];
  return typed.flatMap(([, one = '', two = '']) =>
    commands.includes(one) || commands.includes(`${one} ${two}`)
      ? []
      : [`${name}: there is no command "${one}"`],
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = docProblems(readDocTexts());
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
