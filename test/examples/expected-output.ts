import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';

/** What differs from run to run, and the word that stands for it. */
export type Mask = readonly [varies: RegExp, word: string];

/** What `train --local` says of a machine at a moment, of the last bits of its arithmetic, and of where the folder lies. */
export const LOCAL_TRAINING: readonly Mask[] = [
  [/^(\w+ +(?:load-ms|latency-\S+|rows-per-second|peak-rss-bytes) is ).*$/gm, '$1…'],
  [/(?<=twin-slowdown is )[^;]+/g, '…'],
  [/\d\.\de-\d+$/gm, '…'],
  [/\S+(?=\/version\/model\.onnx|\/held-out\.jsonl)/g, '…'],
];

/** The code block of a document whose first line begins with `beginning`. */
async function expectedOutput(document: string, beginning: string): Promise<string> {
  const text = await readFile(join(PACKAGE_ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const expected = blocks.find((block) => block.startsWith(beginning));
  return expected ?? assert.fail(`${document} shows no output that begins with "${beginning}"`);
}

/** Holds what a program printed against what a document shows; what varies is masked in both alike. */
export async function assertPrintsAsShown(
  printed: string,
  shown: {
    readonly document: string;
    readonly beginning: string;
    readonly masks?: readonly Mask[];
  },
): Promise<void> {
  const masked = (text: string) =>
    (shown.masks ?? []).reduce((rest, [varies, word]) => rest.replaceAll(varies, word), text);
  assert.equal(masked(printed), masked(await expectedOutput(shown.document, shown.beginning)));
}
