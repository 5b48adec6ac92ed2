import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelSession } from '../../../adapters/model-runtime/model-session.js';
import { conversionSchema, parityLineSchema, runnableOf } from '../../../domain/conversion.js';
import { bagSchema } from '../../../domain/front-end/schema.js';
import { createTokenizer } from '../../../domain/front-end/tokenizer.js';
import { SKLEARN } from '../trainer/scripts.js';
import { ODD_CHARACTERS as TEXTS } from './odd-characters.js';
import { temporaryFolder } from './temporary-folder.js';

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
      const frontEnd = bagSchema.parse(readJson(directory, 'front-end.json'));
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
