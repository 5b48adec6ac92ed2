import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT } from '../../../scripts/stack.js';

/** The package exports no file of its data. */
const FILE = join(ROOT, 'node_modules/name-suggestion-index/dist/json/nsi.min.json');

const indexSchema = z.object({
  nsi: z.record(z.string(), z.object({ items: z.array(z.object({ displayName: z.string() })) })),
});

/** Ten groups of spending, by the last word of the index' path. */
const GROUPS: Readonly<Record<string, string>> = {
  finance: 'atm bank bureau_de_change insurance financial_advisor money_lender pawnbroker',
  'eating-out': 'fast_food restaurant cafe pub bar ice_cream pastry confectionery',
  groceries: 'supermarket convenience bakery alcohol butcher greengrocer deli beverages kiosk',
  transport: 'fuel bicycle_rental car_repair car charging_station car_wash car_parts car_rental',
  clothing: 'clothes shoes jewelry watches bag fashion_accessories second_hand',
  health: 'pharmacy optician chemist hairdresser beauty cosmetics hearing_aids dentist clinic',
  home: 'furniture doityourself houseware bed hardware kitchen paint garden_centre florist',
  leisure: 'fitness_centre books cinema sports toys outdoor sports_centre bookmaker gift',
  travel: 'hotel travel_agency hostel motel theme_park information',
  telecom: 'electronics mobile_phone telecommunication computer',
};

/** What a bank prints around the name; made by us. */
const LINES: readonly ((name: string, number: number) => string)[] = [
  (name, number) => `CARD PAYMENT ${name} ${String(number).padStart(4, '0')} EUR`,
  (name, number) => `POS ${number} ${name} THANK YOU`,
  (name, number) => `${name} * order ${number} Ref. ${number % 97}`,
  (name, number) => `Direct debit ${name.toUpperCase()}, mandate ${number}`,
];

/** A text and what it is. */
export interface TextRow {
  readonly text: string;
  readonly label: string;
}

/** So many statement lines with real merchants' names of all scripts, in ten groups of spending; always the same. */
export async function merchantRows(count: number): Promise<readonly TextRow[]> {
  const { nsi } = indexSchema.parse(JSON.parse(await readFile(FILE, 'utf8')));
  const groupOf = new Map(
    Object.entries(GROUPS).flatMap(([group, words]) =>
      words.split(' ').map((word) => [word, group] as const),
    ),
  );
  const names = Object.entries(nsi).flatMap(([place, { items }]) => {
    const group = groupOf.get(place.split('/').at(-1) ?? '');
    if (group === undefined || !place.startsWith('brands/')) return [];
    return items.map(({ displayName }) => ({ name: displayName, group }));
  });
  return Array.from({ length: count }, (_, index) => {
    // a step that shares no factor with their number mixes the groups
    const { name, group } = names[(index * 7_919) % names.length] ?? { name: '', group: '' };
    const line = LINES[index % LINES.length]?.(name, (index * 31) % 9_973) ?? name;
    return { text: line, label: group };
  });
}
