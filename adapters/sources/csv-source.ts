import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PortError } from '../../domain/failures.js';
import type { DatasetSource } from '../../domain/ports/dataset-source.js';
import { csvRows } from './csv-rows.js';
import { rowsSource } from './rows-source.js';

/** Rows of a file without times are held out from here on; the others lie before. */
export const CSV_HELD_OUT_FROM = '2000-01-02T00:00:00.000Z';

const LEARNT_AT = '2000-01-01T00:00:00.000Z';

/** Share of the rows that is held out, where nothing is said. */
const HELD_OUT = 0.25;

export interface CsvSourceOptions {
  /** The file; a relative path is taken from the configuration file's folder. UTF-8, with or without a byte order mark. */
  readonly file: string | URL;
  /** Column of the text; default `text`. */
  readonly text?: string;
  /** Column of the right answer; default `label`. */
  readonly label?: string;
  /** Column of an id of its own for each row; where left out, a row is named by a digest of what it says. */
  readonly id?: string;
  /** Column of each row's instant (`2026-01-31T08:00:00Z`, or a day); the specification then says which rows are held out. */
  readonly time?: string;
  /** Column that says whose row it is. */
  readonly customer?: string;
  /** Column that groups rows for `slice-accuracy`; the label where left out. */
  readonly slice?: string;
  /**
   * Without a column of times: the share of rows that is held out, above 0 and below 1; default 0.25. A hash of the text
   * decides, so that equal texts never lie on both sides and a row stays where it is when others are added.
   */
  readonly heldOut?: number;
  /** Between two fields; default a comma. */
  readonly delimiter?: string;
}

/**
 * A CSV file as data source: a header, then one row a line. It is read again for each snapshot, so that new rows count. A model
 * on a file without a column of times needs no time cuts: the source brings them.
 *
 * `rows` throws `InvalidDataset`, which names the file, the line and what is wrong there.
 * @throws PortError `InvalidSpec` for a wrong share.
 *
 * @example
 * sources: { mails: csvSource({ file: 'mails.csv', text: 'body', label: 'queue' }) }
 */
export function csvSource(options: CsvSourceOptions): DatasetSource {
  const { file, text = 'text', label = 'label', delimiter = ',' } = options;
  const { id, time, customer, slice } = options;
  const share = shareOf(options);
  const path = typeof file === 'string' ? resolve(file) : fileURLToPath(file);
  const columns = { text, label, id, time, customer, slice };
  const instantOf = (of: string) => (fraction(of) < share ? CSV_HELD_OUT_FROM : LEARNT_AT);
  const read = () => csvRows({ path, columns, delimiter, instantOf });
  const within = (folder: string) =>
    csvSource(typeof file === 'string' ? { ...options, file: resolve(folder, file) } : options);
  if (time !== undefined) return { ...rowsSource(read), within };
  const cuts = { train: { until: CSV_HELD_OUT_FROM }, heldOut: { from: CSV_HELD_OUT_FROM } };
  return { ...rowsSource(read, cuts), within };
}

function shareOf({ heldOut, time }: CsvSourceOptions): number {
  if (heldOut !== undefined && time !== undefined) {
    throw new PortError(
      'InvalidSpec',
      'csvSource takes heldOut only without a column of times: with one, set train.trainRows and train.heldOutRows',
    );
  }
  const share = heldOut ?? HELD_OUT;
  if (share > 0 && share < 1) return share;
  throw new PortError('InvalidSpec', `csvSource: heldOut is above 0 and below 1, not ${share}`);
}

/** A number from 0 to below 1, the same for the same text. */
function fraction(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
