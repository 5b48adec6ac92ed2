import { inCut } from '../../domain/dataset.js';
import type { DatasetSource, DefaultCuts, Row } from '../../domain/ports/dataset-source.js';

/** Every row that there is now, in any order. */
export type ReadRows = () =>
  Iterable<Row> | AsyncIterable<Row> | Promise<Iterable<Row> | AsyncIterable<Row>>;

/**
 * A data source of whatever reads all rows, such as a query or a list: the time cut is made here. It reads anew for each
 * snapshot.
 *
 * @example
 * sources: { mails: rowsSource(() => [{ id: '1', at: '2026-01-01T08:00:00Z', label: 'access', text: 'Locked out' }]) }
 */
export function rowsSource(read: ReadRows, cuts?: DefaultCuts): DatasetSource {
  return {
    ...(cuts !== undefined && { cuts }),
    rows: async (cut) => {
      const rows: Row[] = [];
      for await (const row of await read()) if (inCut(row.at, cut)) rows.push(row);
      return rows.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
    },
  };
}
