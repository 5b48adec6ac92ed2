import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelSession } from '../../../adapters/model-runtime/model-session.js';
import { conversionSchema, parityLineSchema, runnableOf } from '../../../domain/conversion.js';
import { frontEndSchema } from '../../../domain/front-end/schema.js';
import { createTokenizer } from '../../../domain/front-end/tokenizer.js';
import { ODD_TEXTS } from '../../../domain/odd-texts.js';
import { SKLEARN } from '../trainer/scripts.js';
import { temporaryFolder } from './temporary-folder.js';

const WHITE_SPACE = Array.from(
  '\t\n\u000b\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u180e\u2000\u2005\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff',
);

/** What a front end may read differently than Python, beyond the odd texts that every text model answers. */
const TEXTS = [
  ...ODD_TEXTS.map(({ text }) => text),
  ...WHITE_SPACE.map((space) => `paper${space}toner${space}${space}ink ${space}jam${space}`),
  WHITE_SPACE.join(''),
  WHITE_SPACE.join('a'),
  'ΟΔΟΣ\u0301 ΟΔΟΣ\u{10d50} Σ ΑΣ. ΑΣ\u00adΑ',
  'I\u0307 \u0130\u0307 ı İ',
  // combining classes: 0 though a mark, not 0 though no nonspacing mark, the highest, out of order
  '\u0903\u0915\u093c\u0940 \u302e\u302f \u{1d165}\u{1d16d} a\u0345\u0301\u0334 \u0345 \uac01\u11a8 ﷺ ﬃ Å',
  'ab\ua7cbcd \u{31350}x\u{31350} \u{1fae8}\u{1fae8} \u0378\u0378 \ufdd0',
  'half \ud800 a\udc00b \ud800\ud800 pair \ud83d\u0301\ude00',
  '\u0000\u0000 a\u0000b',
  'é'.repeat(50_000),
];

const WORDS = {
  billing: ['invoice', 'refund', 'charge', 'Überweisung', 'счёт', 'the', 'not'],
  network: ['router', 'Cable', 'signal', 'lost', 'сеть', 'is', 'not'],
  printing: ['paper', 'toner', 'jam', 'ink', 'ΟΔΟΣ', 'the', 'a1'],
};

/** Rows whose words tell their label, and every text above once, so that its terms are known. */
function rowsToFit(): { text: string; label: string }[] {
  const labels = Object.entries(WORDS);
  const made = labels.flatMap(([label, words]) =>
    words.flatMap((one) =>
      words.map((other) => ({ text: `${one} ${other}  ${one}, ${words[0] ?? ''}`, label })),
    ),
  );
  const odd = TEXTS.map((text, index) => ({ text, label: labels[index % 3]?.[0] ?? '' }));
  return [...made, ...odd];
}

/** Above so many different terms in one text the graph's float32 sums show: some 1e-5 with 50,000. */
const LONG_TERMS = 4_096;

const expectedSchema = z.object({
  terms: z.array(z.tuple([z.array(z.int()), z.array(z.int())])),
});

const readJson = (...path: string[]): unknown => JSON.parse(readFileSync(join(...path), 'utf8'));

/** The probabilities of every text through the front end, onnxruntime-node and the answer's contract. */
async function answersOf(directory: string): Promise<number[]> {
  const manifest = runnableOf(conversionSchema.parse(readJson(directory, 'model.json')));
  const session = await ModelSession.open({
    ...{ kind: 'open', directory, artifact: 'model.onnx', manifest },
    ...{ maxModelBytes: 2 ** 30, threads: 1 },
  });
  const outputs = await session.infer([
    // as the texts come through a frame, in UTF-8
    {
      name: 'text',
      datatype: 'BYTES',
      shape: [TEXTS.length],
      data: TEXTS.map((one) => one.toWellFormed()),
    },
  ]);
  const { data } = outputs.find(({ name }) => name === 'probabilities') ?? {};
  assert.ok(data instanceof Float32Array);
  return [...data];
}

describe('front ends beside scikit-learn', () => {
  const names = [
    ...['words', 'words-1-2', 'words-2-3-stops', 'words-english', 'words-cased', 'words-ascii'],
    ...['words-transformed', 'char-1-3', 'char-3-5', 'char-unicode', 'char_wb-2-4', 'char_wb-5'],
  ];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  before(async function () {
    this.timeout(120_000);
    folder = await temporaryFolder();
    execFileSync(
      join(SKLEARN, '.venv/bin/python'),
      ['-W', 'ignore', join(SKLEARN, 'tests/front_ends.py'), join(folder.path, 'made')],
      {
        input: JSON.stringify({ rows: rowsToFit(), texts: TEXTS }),
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
  });

  after(async () => {
    await folder[Symbol.asyncDispose]();
  });

  for (const name of names) {
    it(`${name}: every text's terms and counts, and its answer`, async () => {
      const directory = join(folder.path, 'made', name);
      const { terms } = expectedSchema.parse(readJson(directory, 'expected.json'));
      const frontEnd = frontEndSchema.parse(readJson(directory, 'front-end.json'));
      const found = createTokenizer(frontEnd).count(TEXTS);
      for (const [index, [ids, counts]] of terms.entries()) {
        const [from, to] = [found.offsets[index], found.offsets[index + 1]];
        const pairs = [...found.ids.subarray(from, to)]
          .map((id, at) => [id, found.counts.subarray(from, to)[at] ?? 0] as const)
          .sort(([left], [right]) => left - right);
        const text = JSON.stringify(TEXTS[index]?.slice(0, 200));
        assert.deepEqual(
          pairs.map(([id]) => id),
          ids,
          text,
        );
        assert.deepEqual(
          pairs.map(([, count]) => count),
          counts,
          text,
        );
      }
      const answers = await answersOf(directory);
      const lines = readFileSync(join(directory, 'parity.jsonl'), 'utf8').trim().split('\n');
      assert.equal(lines.length, TEXTS.length);
      for (const [row, line] of lines.entries()) {
        const expected = parityLineSchema.parse(JSON.parse(line)).probabilities;
        const given = answers.slice(row * expected.length, (row + 1) * expected.length);
        const apart = Math.max(...given.map((value, at) => Math.abs(value - (expected[at] ?? 0))));
        const isLong = (terms[row]?.[0].length ?? 0) > LONG_TERMS;
        assert.ok(
          apart < (isLong ? 1e-4 : 1e-6),
          `${JSON.stringify(TEXTS[row]?.slice(0, 60))} is ${apart} apart`,
        );
        assert.equal(given.indexOf(Math.max(...given)), expected.indexOf(Math.max(...expected)));
      }
    });
  }
});
