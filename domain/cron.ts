interface Field {
  readonly name: string;
  readonly range: readonly [number, number];
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const SECOND: Field = { name: 'second', range: [0, 59] };
const YEAR: Field = { name: 'year', range: [2000, 2100] };
const FIELDS: readonly Field[] = [
  { name: 'minute', range: [0, 59] },
  { name: 'hour', range: [0, 23] },
  { name: 'day of the month', range: [1, 31] },
  { name: 'month', range: [1, 12], names: MONTHS },
  { name: 'day of the week', range: [0, 7], names: DAYS }, // 0 and 7 are Sunday
];

/** Temporal's reading: five fields; six with a year behind; seven with a second before and a year behind. */
const LAYOUTS: Readonly<Record<number, readonly Field[]>> = {
  5: FIELDS,
  6: [...FIELDS, YEAR],
  7: [SECOND, ...FIELDS, YEAR],
};

/** What is wrong with a cron expression, in one sentence; null where it can be scheduled. */
export function cronProblem(cron: string): string | null {
  const parts = cron.trim().split(/\s+/);
  const layout = LAYOUTS[parts.length];
  if (layout === undefined) {
    return `the cron "${cron}" has ${parts.length} fields, expected 5 to 7: minute, hour, day of the month, month, day of the week`;
  }
  for (const [index, field] of layout.entries()) {
    const part = parts[index] ?? '';
    const problem = part
      .split(',')
      .map((each) => itemProblem(each, field))
      .find(isProblem);
    if (problem !== undefined)
      return `the cron "${cron}" has a wrong ${field.name} "${part}": ${problem}`;
  }
  return null;
}

const isProblem = (problem: string | null): problem is string => problem !== null;

/** One item of a list: a star or question mark, a value or a range, with or without a step. */
function itemProblem(item: string, field: Field): string | null {
  const parts = /^(\*|\?|([a-z]+|\d+)(?:-([a-z]+|\d+))?)(?:\/(\d+))?$/i.exec(item);
  if (parts === null) return `"${item}" is no value, range or step`;
  const [, , first, last, step] = parts;
  if (step !== undefined && Number(step) === 0) return 'a step of 0 never ends';
  const ends = [first, last].filter((end) => end !== undefined).map((end) => valueOf(end, field));
  const [lowest, highest] = field.range;
  if (ends.some((value) => !(value >= lowest && value <= highest))) {
    return `it is ${lowest} to ${highest}`;
  }
  const [from, until] = ends;
  return from !== undefined && until !== undefined && from > until
    ? `"${item}" ends before it begins`
    : null;
}

/** NaN for a name that the field does not have. */
function valueOf(text: string, { names = [], range }: Field): number {
  if (/^\d+$/.test(text)) return Number(text);
  const index = names.indexOf(text.slice(0, 3).toLowerCase());
  return index === -1 ? Number.NaN : index + (range[0] === 1 ? 1 : 0);
}
