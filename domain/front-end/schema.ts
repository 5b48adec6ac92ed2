import { z } from 'zod';

const vocabularySchema = z.array(z.string().min(1)).min(1).max(5_000_000);

/** What both versions of a bag of words have. Id of a term = its index + 1; 0 is padding. */
const bag = {
  kind: z.literal('bag-of-words'),
  /** In code points. */
  minTokenLength: z.int().min(1).max(64),
  /** The Unicode version of the trainer's Python; what was assigned later is read as a space, as it was there. */
  unicode: z.literal('14.0.0'),
  vocabulary: vocabularySchema,
};

const wordsSchema = z.strictObject({
  schemaVersion: z.literal(1),
  ...bag,
  lowercase: z.literal(true),
});

const gramsSchema = z
  .strictObject({
    schemaVersion: z.literal(2),
    ...bag,
    /** Runs of word characters, runs of any characters, or those inside words with a space at both ends. */
    analyzer: z.enum(['word', 'char', 'char_wb']),
    /** The least and the most words (or code points) of a term. */
    ngramRange: z.tuple([z.int().min(1).max(64), z.int().min(1).max(64)]),
    lowercase: z.boolean(),
    stripAccents: z.enum(['unicode', 'ascii']).nullable(),
    /** Words left out before terms are made of several; compared after lower case and accents. */
    stopWords: z.array(z.string().min(1)).max(100_000),
    /** True where a term counts once however often it stands in a text. */
    binary: z.boolean(),
  })
  .refine(({ ngramRange: [least, most] }) => least <= most, {
    path: ['ngramRange'],
    message: 'the least is above the most',
  });

/** A bag of words: version 1 counts lower-case words; version 2 also terms of several words or characters. */
export const bagSchema = z.discriminatedUnion('schemaVersion', [wordsSchema, gramsSchema]);
export type BagFrontEnd = z.infer<typeof bagSchema>;
export type GramFrontEnd = z.infer<typeof gramsSchema>;

const tokenIdSchema = z.int().min(0).max(5_000_000);

const wordpieceSchema = z
  .strictObject({
    schemaVersion: z.literal(3),
    kind: z.literal('wordpiece'),
    /** Whose categories of characters count; what they do not know is a character like any other. */
    unicode: z.literal('8.0.0'),
    lowercase: z.boolean(),
    /** True where accents (nonspacing marks of the decomposed text) are left out. */
    stripAccents: z.boolean(),
    /** Of a text, the first and the last one among them; what is beyond is left out. */
    maxTokens: z.int().min(3).max(100_000),
    /** In code points; a longer word is an unknown one. */
    maxWordLength: z.int().min(1).max(100_000),
    /** Stands before a piece that continues a word, in the vocabulary. */
    continuing: z.string().min(1).max(16),
    /** Ids of those that no text can write. */
    tokens: z.strictObject({
      first: tokenIdSchema,
      last: tokenIdSchema,
      unknown: tokenIdSchema,
      padding: tokenIdSchema,
    }),
    /** Id of a piece = its index. */
    vocabulary: vocabularySchema,
  })
  .refine(({ tokens, vocabulary }) => Math.max(...Object.values(tokens)) < vocabulary.length, {
    path: ['tokens'],
    message: 'a token is not in the vocabulary',
  });
export type WordpieceFrontEnd = z.infer<typeof wordpieceSchema>;

/**
 * A version's `front-end.json`: how text becomes the graph's numbers. A term that stands in it twice is refused by `createFrontEnd`,
 * which finds it while it builds its table.
 */
export const frontEndSchema = z.discriminatedUnion('schemaVersion', [
  wordsSchema,
  gramsSchema,
  wordpieceSchema,
]);
export type FrontEnd = z.infer<typeof frontEndSchema>;

/** Version 1 says no more than that words are counted; this is the same in version 2's fields. */
export function asGrams(frontEnd: BagFrontEnd): GramFrontEnd {
  if (frontEnd.schemaVersion === 2) return frontEnd;
  return {
    ...frontEnd,
    schemaVersion: 2,
    analyzer: 'word',
    ngramRange: [1, 1],
    stripAccents: null,
    stopWords: [],
    binary: false,
  };
}
