import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { PortError } from '../../domain/failures.js';

const PACKAGE = 'name-suggestion-index';

const indexSchema = z.object({
  nsi: z.record(
    z.string(),
    z.object({ items: z.array(z.object({ id: z.string(), displayName: z.string() })) }),
  ),
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

/** A chain, as the index has it: once for each kind of shop. */
export interface Merchant {
  readonly id: string;
  readonly name: string;
  /** What is bought there; one of ten. */
  readonly group: string;
}

/**
 * Real merchants of all countries and scripts, from the npm package `name-suggestion-index` (BSD-3-Clause); nothing of it is part
 * of this repository. Throws `SetUpMissing` (terminal) where the package is not installed.
 */
export async function readMerchants(): Promise<readonly Merchant[]> {
  const { nsi } = indexSchema.parse(JSON.parse(await readFile(locateIndex(), 'utf8')));
  const groupOf = new Map(
    Object.entries(GROUPS).flatMap(([group, words]) =>
      words.split(' ').map((word) => [word, group] as const),
    ),
  );
  return Object.entries(nsi).flatMap(([place, { items }]) => {
    const group = groupOf.get(place.split('/').at(-1) ?? '');
    if (group === undefined || !place.startsWith('brands/')) return [];
    return items.map(({ id, displayName }) => ({ id, name: displayName, group }));
  });
}

/** How a name is told from another one, however it is written. */
export function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .toUpperCase() // ß is SS
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

/** The package exports its program and no file of its data, which lies beside it. */
function locateIndex(): string {
  try {
    const program = createRequire(import.meta.url).resolve(PACKAGE);
    return join(dirname(program), '../json/nsi.min.json');
  } catch (error) {
    const message = `the package ${PACKAGE} is not installed; run "npm run setup"`;
    throw new PortError('SetUpMissing', message, { cause: error });
  }
}
