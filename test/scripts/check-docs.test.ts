import assert from 'node:assert/strict';
import { readWorkerEnvironment } from '../../workers/environment.js';
import { readEndpointEnvironment } from '../../serving/environment.js';
import { docProblems } from '../../scripts/check-docs.js';
import { readDocTexts, type DocTexts } from '../../scripts/doc-texts.js';

const S3 = 'adapters/object-store/s3-environment.ts';
const LOG = 'adapters/process/log-level.ts';
const texts = readDocTexts();

/** The texts of this checkout with one of them changed; the change must find what it replaces. */
function changed(kind: 'documents' | 'sources', name: string, from: string, to: string): DocTexts {
  const before = texts[kind][name] ?? '';
  assert.ok(before.includes(from), `${name} does not have ${JSON.stringify(from)}`);
  return { ...texts, [kind]: { ...texts[kind], [name]: before.replace(from, () => to) } };
}

const REFERENCE = texts.documents['docs/reference.md'] ?? '';
const inReadme = (from: string, to: string) => changed('documents', 'README.md', from, to);
const inReference = (from: string, to: string) =>
  changed('documents', 'docs/reference.md', from, to);

/** The reference without the first row that begins with a name. */
function withoutRow(name: string): DocTexts {
  const row = new RegExp(`^\\| \`${name}\`.*\\n`, 'm').exec(REFERENCE);
  return inReference(row?.[0] ?? name, '');
}

function oneProblem(given: DocTexts, expected: RegExp): void {
  const problems = docProblems(given);
  assert.equal(problems.length, 1, problems.join('\n'));
  assert.match(problems[0] ?? '', expected);
}

/** The names that a parser looks up in its environment. */
function namesReadBy(parse: (variables: Readonly<Record<string, string | undefined>>) => unknown) {
  const names = new Set<string>();
  const variables = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, name) => void names.add(String(name)),
    },
  );
  assert.throws(() => parse(variables));
  return [...names];
}

describe('docProblems', () => {
  it('finds nothing in this checkout', () => {
    assert.deepEqual(docProblems(texts), []);
  });

  it('finds a snippet that is not the example any more', () => {
    oneProblem(
      changed('sources', 'examples/lifecycle.ts', 'end.outcome)', 'end)'),
      /README\.md: the code is not the marked region of examples\/lifecycle\.ts/,
    );
  });

  it('finds a snippet without a marked region, and a region that is not shown', () => {
    oneProblem(
      changed('sources', 'examples/lifecycle.ts', '// readme: start', '//'),
      /README\.md shows examples\/lifecycle\.ts, which marks no region/,
    );
    oneProblem(
      inReadme('<!-- snippet: examples/lifecycle.ts -->', ''),
      /examples\/lifecycle\.ts marks a region that README\.md does not show/,
    );
  });

  it('finds a failure that is missing, one that the code has not, and one of another kind', () => {
    oneProblem(withoutRow('StoreRefused'), /table "failures": StoreRefused is missing/);
    oneProblem(
      inReference('| `InvalidName` ', '| `NoSuchThing` | `terminal` | |\n| `InvalidName` '),
      /table "failures": the code has no NoSuchThing/,
    );
    const row = /\| `TrainerHung` +\| `retryable`/.exec(REFERENCE);
    oneProblem(
      inReference(row?.[0] ?? 'TrainerHung', '| `TrainerHung` | `terminal`'),
      /table "failures": TrainerHung says "terminal", the code "retryable"/,
    );
  });

  it('finds a metric whose meaning is another one', () => {
    oneProblem(
      inReference('rows answered in batches of 64', 'rows answered in batches of 32'),
      /table "metrics": rows-per-second says "rows answered in batches of 32"/,
    );
  });

  it('finds a default of the specification that is another one', () => {
    const row = /\| `gather\.deadline` +\| `2 days`/.exec(REFERENCE);
    oneProblem(
      inReference(row?.[0] ?? 'gather.deadline', '| `gather.deadline` | `3 days`'),
      /table "specification": gather\.deadline says "3 days", the code "2 days"/,
    );
  });

  it('finds a variable that is not documented, and one whose default has changed', () => {
    const file = 'workers/environment.ts';
    oneProblem(
      changed('sources', file, '  SWITCHYARD_CONFIG:', '  NEW: z.string(),\n  SWITCHYARD_CONFIG:'),
      /table "worker environment": NEW is missing/,
    );
    oneProblem(
      changed('sources', 'scripts/servers/binaries.ts', "'", "'SWITCHYARD_NEW', '"),
      /"Environment": SWITCHYARD_NEW of scripts\/servers\/binaries\.ts is missing/,
    );
    oneProblem(
      changed('sources', file, "'.switchyard/work'", "'work'"),
      /table "worker environment": SWITCHYARD_WORK_DIR says "\.switchyard\/work", the code "work"/,
    );
  });

  it('finds a variable of the bucket in the tables of both programs', () => {
    const problems = docProblems(changed('sources', S3, "'us-east-1'", "'eu-west-1'"));
    assert.equal(problems.length, 2);
    for (const each of problems) {
      assert.match(each, /environment": AWS_REGION says "us-east-1", the code "eu-west-1"/);
    }
  });

  it('knows every variable that the two parsers look up', () => {
    for (const [file, parse] of [
      ['workers/environment.ts', readWorkerEnvironment],
      ['serving/environment.ts', readEndpointEnvironment],
    ] as const) {
      const without = { ...texts, sources: { ...texts.sources, [file]: '', [S3]: '', [LOG]: '' } };
      const problems = docProblems(without).join('\n');
      const names = namesReadBy(parse);
      assert.ok(names.includes('SWITCHYARD_BUCKET'));
      for (const name of names) assert.match(problems, new RegExp(`the code has no ${name}`));
    }
  });

  it('finds a variable that no command reads, and one that only commands read', () => {
    const place = 'scripts/commands/terminal/place.ts';
    oneProblem(
      changed('sources', place, "given(variables, 'TEMPORAL_UI_URL')", 'undefined'),
      /table "command environment": the code has no TEMPORAL_UI_URL/,
    );
    const problems = docProblems(withoutRow('SWITCHYARD_ENDPOINT_URL'));
    assert.match(problems.join('\n'), /table "command environment": SWITCHYARD_ENDPOINT_URL is m/);
  });

  it('finds a command that is not there', () => {
    oneProblem(
      inReadme('npx switchyard versions tickets', 'npx switchyard list tickets'),
      /README\.md: there is no command "list"/,
    );
    oneProblem(
      changed('documents', 'docs/how-to.md', 'npx switchyard labels add', 'npx switchyard labels'),
      /docs\/how-to\.md: there is no command "labels"/,
    );
  });

  it('finds a table that is gone', () => {
    oneProblem(inReference('<!-- table: failures -->', ''), /there is no such table/);
  });

  it('finds links that lead nowhere, and headings that are not there', () => {
    oneProblem(inReadme('(CHANGELOG.md)', '(CHANGES.md)'), /the link CHANGES\.md leads nowhere/);
    oneProblem(
      inReadme('reference.md#client', 'reference.md#program'),
      /docs\/reference\.md has no heading #program/,
    );
  });

  it('finds an npm script that is not there', () => {
    oneProblem(
      changed('documents', 'CONTRIBUTING.md', 'npm run format ', 'npm run prettify '),
      /package\.json has no script "prettify"/,
    );
  });
});
