import type { FrontEndKind, TensorSpec } from '../manifest.js';
import type { Tensor } from '../ports/model-runtime.js';
import { padRows, termsIn } from './bag.js';
import type { BagFrontEnd, FrontEnd, WordpieceFrontEnd } from './schema.js';
import { createTokenizer } from './tokenizer.js';
import { Wordpieces } from './wordpiece.js';
import type { TokenIds } from './wordpiece.js';

/** Texts that were read, row by row. */
export interface ReadTexts {
  /** Columns that a text needs. */
  readonly widthOf: (row: number) => number;
  /** The graph's inputs for the chosen rows, in that order: [rows, width of the widest], at least one column. */
  readonly padded: (rows: readonly number[]) => readonly Tensor[];
}

/** What turns a caller's texts into a graph's inputs. */
export interface TextFrontEnd {
  /** So many cells (rows times columns) are enough for one run of the graph: more only leave the processor's cache. */
  readonly maxCells: number;
  read(texts: readonly string[]): ReadTexts;
  /** One row that holds the highest id, in as many columns as a graph must have room for: one of another vocabulary fails. */
  warmUp(): readonly Tensor[];
}

const CELLS: readonly number[] = [-1, -1];
const BAG_INPUTS: readonly TensorSpec[] = [
  { name: 'ids', datatype: 'INT32', shape: CELLS.slice() },
  { name: 'counts', datatype: 'FP32', shape: CELLS.slice() },
];
const TOKEN_INPUTS: readonly TensorSpec[] = [
  { name: 'input_ids', datatype: 'INT64', shape: CELLS.slice() },
  { name: 'attention_mask', datatype: 'INT64', shape: CELLS.slice() },
];
/** All 0, for a text is one sentence; only some graphs ask for it. */
const TYPE_INPUT: TensorSpec = {
  name: 'token_type_ids',
  datatype: 'INT64',
  shape: CELLS.slice(),
};

/** The inputs that a front end of a kind gives to a graph which has those named. */
export function graphInputs(
  kind: FrontEndKind,
  named: readonly Pick<TensorSpec, 'name'>[],
): readonly TensorSpec[] {
  if (kind === 'bag-of-words') return BAG_INPUTS;
  return asksForTypes(named) ? [...TOKEN_INPUTS, TYPE_INPUT] : TOKEN_INPUTS;
}

/** @throws Error where a term stands twice in the vocabulary. */
export function createFrontEnd(
  frontEnd: FrontEnd,
  named: readonly Pick<TensorSpec, 'name'>[],
): TextFrontEnd {
  if (frontEnd.kind === 'bag-of-words') return bagFrontEnd(frontEnd);
  return wordpieceFrontEnd(frontEnd, asksForTypes(named));
}

function bagFrontEnd(given: BagFrontEnd): TextFrontEnd {
  const tokenizer = createTokenizer(given);
  const read = (texts: readonly string[]): ReadTexts => {
    const terms = tokenizer.count(texts);
    return {
      widthOf: (row) => termsIn(terms, row),
      padded: (chosen) => {
        const { ids, counts, rows, width } = padRows(terms, chosen);
        const shape = [rows, width];
        return [
          { name: 'ids', datatype: 'INT32', shape, data: ids },
          { name: 'counts', datatype: 'FP32', shape, data: counts },
        ];
      },
    };
  };
  const warmUp = () => read([given.vocabulary.at(-1) ?? '']).padded([0]);
  return { maxCells: 8_192, read, warmUp };
}

function wordpieceFrontEnd(given: WordpieceFrontEnd, hasTypes: boolean): TextFrontEnd {
  const wordpieces = new Wordpieces(given);
  const { tokens, vocabulary, maxTokens } = given;
  const readIds = (found: TokenIds): ReadTexts => ({
    widthOf: (row) => tokensIn(found, row),
    padded: (rows) => padTokens(found, { rows, padding: tokens.padding, hasTypes }),
  });
  const warmUp = () => {
    const ids = new Int32Array(maxTokens).fill(vocabulary.length - 1);
    return readIds({ ids, offsets: Int32Array.of(0, maxTokens) }).padded([0]);
  };
  return { maxCells: 1_024, read: (texts) => readIds(wordpieces.encode(texts)), warmUp };
}

function padTokens(
  found: TokenIds,
  given: { readonly rows: readonly number[]; readonly padding: number; readonly hasTypes: boolean },
): readonly Tensor[] {
  const { rows, padding, hasTypes } = given;
  const width = rows.reduce((widest, row) => Math.max(widest, tokensIn(found, row)), 1);
  const shape = [rows.length, width];
  const ids = new BigInt64Array(rows.length * width);
  const mask = new BigInt64Array(rows.length * width);
  // little endian, and no number is negative: the low half is the number, and no BigInt is made for it
  const [idHalves, maskHalves] = [new Int32Array(ids.buffer), new Int32Array(mask.buffer)];
  for (const [place, row] of rows.entries()) {
    const from = found.offsets[row] ?? 0;
    const length = tokensIn(found, row);
    for (let column = 0; column < width; column++) {
      const at = 2 * (place * width + column);
      idHalves[at] = column < length ? (found.ids[from + column] ?? 0) : padding;
      maskHalves[at] = column < length ? 1 : 0;
    }
  }
  const [inputIds, attentionMask] = [
    { name: 'input_ids', datatype: 'INT64', shape, data: ids } as const,
    { name: 'attention_mask', datatype: 'INT64', shape, data: mask } as const,
  ];
  if (!hasTypes) return [inputIds, attentionMask];
  const types = new BigInt64Array(rows.length * width);
  return [
    inputIds,
    attentionMask,
    { name: TYPE_INPUT.name, datatype: 'INT64', shape, data: types },
  ];
}

function tokensIn({ offsets }: TokenIds, row: number): number {
  return (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
}

function asksForTypes(named: readonly Pick<TensorSpec, 'name'>[]): boolean {
  return named.some(({ name }) => name === TYPE_INPUT.name);
}
