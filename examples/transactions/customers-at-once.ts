import { setTimeout as pause } from 'node:timers/promises';
import { askGroups } from './ask-groups.js';

/** What four customers want the groups for. */
const CUSTOMERS = ['credit', 'planning', 'pay-later', 'payment'] as const;
const SMALL_LINES = 50;
/** By then the four have sent all of theirs. */
const SMALL_AFTER_MS = 20;
const SAMPLE_LINES = 500;

/** What a customer got. */
interface Served {
  readonly customer: string;
  readonly groups: readonly string[];
  /** From its first request to its last answer. */
  readonly ms: number;
  /** Lines that each customer had by then. */
  readonly had: ReadonlyMap<string, number>;
}

/** Where to ask, and about which lines. */
interface Load {
  readonly url: string;
  readonly lines: readonly string[];
}

/**
 * Four customers ask for a quarter of the lines each, all at once, and a fifth for 50 lines meanwhile; before them, some of the lines
 * in the way that fell over: a request a line, one after another. Yields what came of it, line by line.
 */
export async function* customersAtOnce({ url, lines }: Load): AsyncGenerator<string> {
  const sample = lines.slice(0, SAMPLE_LINES);
  const sampleMs = await askOneByOne({ url, lines: sample });
  const allMs = (sampleMs / sample.length) * lines.length;
  yield `one after another  ${sample.length} lines in ${seconds(sampleMs)}, ${lines.length} would take ${seconds(allMs)}`;

  const { four, small, ms } = await askAtOnce({ url, lines });
  yield `all at once        ${lines.length} lines in ${seconds(ms)}, ${(allMs / ms).toFixed(1)} times as fast`;
  const waited = four.filter(({ customer, groups }) => had(small, customer) < groups.length);
  yield `a fifth, meanwhile ${small.groups.length} lines in ${seconds(small.ms)}, while ${waited.length} of the four waited`;

  const [first] = four.toSorted((one, other) => one.ms - other.ms);
  yield '';
  yield* table([
    ['customer', 'lines', 'took', 'had when the first was done'],
    ...four.map(({ customer, groups, ms }) => [
      ...[customer, groups.length, seconds(ms), had(first, customer)],
    ]),
  ]);
  yield '';
  const names = [...new Set(four.flatMap(({ groups }) => groups))].sort();
  const countsOf = (name: string) =>
    four.map(({ groups }) => groups.filter((group) => group === name).length);
  yield* table([['group', ...CUSTOMERS], ...names.map((name) => [name, ...countsOf(name)])]);
}

/** Resolves to the milliseconds that all took. */
async function askOneByOne({ url, lines }: Load): Promise<number> {
  const startedMs = performance.now();
  for (const line of lines) await askGroups({ url, customer: 'one-by-one', lines: [line] });
  return performance.now() - startedMs;
}

async function askAtOnce({ url, lines }: Load) {
  const size = lines.length / CUSTOMERS.length;
  const answered = new Map<string, number>();
  const serve = async (customer: string, own: readonly string[]): Promise<Served> => {
    const startedMs = performance.now();
    const onAnswered = (more: number) =>
      answered.set(customer, (answered.get(customer) ?? 0) + more);
    const groups = await askGroups({ url, customer, lines: own, onAnswered });
    return { customer, groups, ms: performance.now() - startedMs, had: new Map(answered) };
  };
  const startedMs = performance.now();
  const four = Promise.all(
    CUSTOMERS.map((customer, index) =>
      serve(customer, lines.slice(index * size, (index + 1) * size)),
    ),
  ).then((served) => ({ served, ms: performance.now() - startedMs }));
  const small = pause(SMALL_AFTER_MS).then(() => serve('small', lines.slice(0, SMALL_LINES)));
  const [{ served, ms }, fifth] = await Promise.all([four, small]);
  return { four: served, ms, small: fifth };
}

function had(by: Served | undefined, customer: string): number {
  return by?.had.get(customer) ?? 0;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Lines with the first column on the left and numbers on the right. */
function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? String(cell).padEnd(width) : String(cell).padStart(width);
      })
      .join('  '),
  );
}
