import { createHash } from 'node:crypto';
import { rowsSource } from '../../adapters/sources/rows-source.js';
import type { DatasetSource, Row } from '../../domain/ports/dataset-source.js';
import { plainName, readMerchants, type Merchant } from './merchants.js';

/** What a bank prints around the name; made by us. */
const LINES: readonly ((name: string, number: number) => string)[] = [
  (name, number) => `CARD PAYMENT ${name} ${String(number).padStart(4, '0')} EUR`,
  (name, number) => `POS ${number} ${name} THANK YOU`,
  (name, number) => `${name} * order ${number} Ref. ${number % 97}`,
  (name, number) => `Direct debit ${name.toUpperCase()}, mandate ${number}`,
];

const NUMBERS = 9_973;
const START_MS = Date.UTC(2025, 0, 1);
const DAYS = 365;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** Scripts with merchants enough to be judged alone; the others are one slice. */
const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ['kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['han', /\p{Script=Han}/u],
  ['cyrillic', /\p{Script=Cyrillic}/u],
  ['other-script', /(?!\p{Script=Latin})\p{Letter}/u],
];

/**
 * A statement line for each merchant of the index, in ten groups of spending; the names are real, the lines and their dates are made.
 * All lines of one name are of one day of 2025, drawn by the name, so that a cut in time is a cut between names: a model is
 * judged by names that it has never seen. A row's slice is the name's script. `rows` throws `SetUpMissing` (terminal) where
 * the package of names is not installed.
 */
export function createStatementLines(): DatasetSource {
  let reading: Promise<readonly Row[]> | undefined;
  return rowsSource(() => (reading ??= readMerchants().then((merchants) => merchants.map(toRow))));
}

/** A text and what it is. */
export interface StatementLine {
  readonly text: string;
  readonly label: string;
}

/** So many statement lines, the groups mixed, for a load; always the same. */
export async function statementLines(count: number): Promise<readonly StatementLine[]> {
  const merchants = await readMerchants();
  return Array.from({ length: count }, (_, index) => {
    // a step that shares no factor with their number mixes the groups
    const { name, group } = merchants[(index * 7_919) % merchants.length] ?? {
      name: '',
      group: '',
    };
    return { text: lineOf(name, { form: index, number: (index * 31) % NUMBERS }), label: group };
  });
}

function toRow({ id, name, group }: Merchant): Row {
  const day = draw(plainName(name), DAYS);
  return {
    ...{ id, label: group, slice: scriptOf(name) },
    at: new Date(START_MS + day * DAY_MS).toISOString(),
    text: lineOf(name, { form: draw(`form ${id}`, LINES.length), number: draw(id, NUMBERS) }),
  };
}

function lineOf(name: string, { form, number }: { form: number; number: number }): string {
  return LINES[form % LINES.length]?.(name, number) ?? name;
}

function scriptOf(name: string): string {
  return SCRIPTS.find(([, letters]) => letters.test(name))?.[0] ?? 'latin';
}

/** A whole number below a limit, by what a text says. */
function draw(text: string, below: number): number {
  return createHash('sha256').update(text).digest().readUInt32BE() % below;
}
