import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';

/** What a line of the prediction log says of a person; everything else is kept as it is. */
const personLineSchema = z.looseObject({ customer: z.string().nullable(), requestId: z.string() });

/** Lines of a prediction-log object, apart from a person's. */
export interface SplitLines {
  /** The person's, of either kind: read, or torn but naming the person. */
  readonly removed: number;
  /** Requests of the person; labels name them. */
  readonly requestIds: readonly string[];
  /** The object without them, or with nothing of the person in them; empty where nothing is left. */
  readonly without: string;
  readonly anonymised: string;
}

/** Stands for an input that nobody shall know any more. */
const NO_INPUT = { sha256: createHash('sha256').digest('hex') };

/** Takes a person's lines out of a prediction-log object; null where there are none. */
export function splitLines(text: string, customer: string): SplitLines | null {
  const named = JSON.stringify(customer);
  if (!text.includes(named)) return null;
  const requestIds = new Map<string, string>();
  const [without, anonymised]: [string[], string[]] = [[], []];
  let removed = 0;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const parsed = line.includes(named) ? parse(line) : null;
    if (!line.includes(named) || (parsed !== null && parsed.customer !== customer)) {
      without.push(line);
      anonymised.push(line);
      continue;
    }
    removed += 1;
    if (parsed === null) continue; // torn: nobody reads it, and it names the person
    const id = requestIds.get(parsed.requestId) ?? randomUUID();
    requestIds.set(parsed.requestId, id);
    anonymised.push(JSON.stringify({ ...parsed, customer: null, requestId: id, input: NO_INPUT }));
  }
  if (removed === 0) return null;
  const joined = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
  return {
    ...{ removed, requestIds: [...requestIds.keys()] },
    ...{ without: joined(without), anonymised: joined(anonymised) },
  };
}

function parse(line: string): z.output<typeof personLineSchema> | null {
  try {
    const parsed = personLineSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
