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

/**
 * A version's `front-end.json`: how text becomes the graph's numbers. Version 1 counts lower-case words; version 2 also
 * terms of several words or characters. A term that stands in it twice is refused by `createTokenizer`, which finds it
 * while it builds its table.
 */
export const frontEndSchema = z.discriminatedUnion('schemaVersion', [wordsSchema, gramsSchema]);
export type FrontEnd = z.infer<typeof frontEndSchema>;
export type GramFrontEnd = z.infer<typeof gramsSchema>;

/** Version 1 says no more than that words are counted; this is the same in version 2's fields. */
export function asGrams(frontEnd: FrontEnd): GramFrontEnd {
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
