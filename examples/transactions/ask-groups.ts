import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

/** Lines of a request: about 60 kB, of the 1 MiB that an endpoint takes. */
const PIECE_LINES = 1_000;
/** How often a request is sent that finds the endpoint full. */
const TRIES = 5;

const answerSchema = z.object({
  outputs: z.array(z.object({ name: z.string(), data: z.array(z.string()) })),
});

/** Lines that somebody wants the groups of. */
export interface Asked {
  /** Of the model's endpoint, such as `http://127.0.0.1:8080/v2/models/transactions`. */
  readonly url: string;
  readonly customer: string;
  readonly lines: readonly string[];
  /** Is told after each request how many lines it answered. */
  readonly onAnswered?: (lines: number) => void;
}

/**
 * Asks for all lines at once, in requests of a thousand, over the Open Inference Protocol; resolves to a group a line, in their order.
 * An endpoint that is full (429) is asked again when it says. Rejects where a request is answered otherwise.
 */
export async function askGroups({ lines, onAnswered, ...whom }: Asked): Promise<string[]> {
  const pieces = Array.from({ length: Math.ceil(lines.length / PIECE_LINES) }, (_, index) =>
    lines.slice(index * PIECE_LINES, (index + 1) * PIECE_LINES),
  );
  const asked = pieces.map(async (piece, index) => {
    if (index > 0) await pause(index); // whoever begins at the same moment sends its own in between
    const groups = await askOnce(whom, piece);
    onAnswered?.(piece.length);
    return groups;
  });
  return (await Promise.all(asked)).flat();
}

async function askOnce(
  { url, customer }: Pick<Asked, 'url' | 'customer'>,
  lines: readonly string[],
): Promise<readonly string[]> {
  const body = JSON.stringify({
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [lines.length], data: lines }],
    outputs: [{ name: 'label' }],
  });
  const headers = { 'content-type': 'application/json', 'switchyard-customer': customer };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(`${url}/infer`, { method: 'POST', headers, body });
    if (answer.ok) return groupsOf(await answer.json(), lines.length);
    const said = await answer.text();
    if (answer.status !== 429 || attempt === TRIES) {
      throw new Error(`${url} answered ${answer.status} to ${customer}: ${said}`);
    }
    await pause(Number(answer.headers.get('retry-after') ?? 1) * 1_000);
  }
}

function groupsOf(answer: unknown, lines: number): readonly string[] {
  const { outputs } = answerSchema.parse(answer);
  const groups = outputs.find(({ name }) => name === 'label')?.data ?? [];
  if (groups.length !== lines) throw new Error(`${groups.length} answers came to ${lines} lines`);
  return groups;
}
