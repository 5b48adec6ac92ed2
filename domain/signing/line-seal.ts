import { z } from 'zod';
import { digestSchema } from '../names.js';
import { witnessesOf } from './seal.js';
import { commonStatement } from './statement.js';
import type { Trust } from './trust.js';
import { isVerified, verifyStatement } from './verify-statement.js';

/** The `typ` of a line's seal. */
export const LINE_TYPE = 'switchyard-line+jws';

export const lineStatementSchema = z.strictObject({
  ...commonStatement,
  /** Where it is: the folder of its chain. */
  chain: z.string().min(1).max(300),
  line: z.int().min(1),
  /** Digest of its canonical JSON, without its seal. */
  digest: digestSchema,
});
/** What whoever writes a line signs of it. */
export type LineStatement = z.infer<typeof lineStatementSchema>;

/** What is sealed of a line, and when. */
export interface LineToSeal extends Pick<LineStatement, 'chain' | 'line' | 'digest'> {
  /** An instant. */
  readonly at: string;
}

/**
 * Why a line's seal is none of a witness of it, as a sentence; null where it is.
 * @param given - `isVouched`: something else vouches for when it was; else a key that others may have counts for nothing.
 */
export function lineSealFault(
  seal: string | null,
  { chain, line, digest, at }: LineToSeal,
  trust: Trust,
  { isVouched }: { readonly isVouched: boolean },
): string | null {
  if (seal === null) return 'it has no seal of a witness';
  const verified = verifyStatement(
    seal,
    { typ: LINE_TYPE, schema: lineStatementSchema },
    {
      environment: trust.environment,
      keys: witnessesOf(trust).filter((key) => isVouched || key.compromised === undefined),
      ...{ acceptedMs: Date.parse(at), mayBeLate: true },
    },
  );
  if (!isVerified(verified)) return verified.sentence;
  const { statement } = verified;
  const isThis =
    statement.chain === chain && statement.line === line && statement.digest === digest;
  return isThis ? null : 'it was changed after its seal';
}
