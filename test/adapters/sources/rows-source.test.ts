import assert from 'node:assert/strict';
import { rowsSource } from '../../../adapters/sources/rows-source.js';
import type { Row } from '../../../domain/ports/dataset-source.js';

const aRow = (id: string, at: string): Row => ({ id, at, label: 'a', text: id });
const ROWS = [aRow('late', '2026-02-01T00:00:00Z'), aRow('early', '2026-01-01T00:00:00Z')];

describe('rowsSource', () => {
  it('cuts by time and puts the rows in order, whatever reads them', async () => {
    async function* read() {
      await Promise.resolve();
      yield* ROWS;
    }
    for (const source of [
      rowsSource(() => ROWS),
      rowsSource(() => Promise.resolve(ROWS)),
      rowsSource(read),
    ]) {
      const ids = async (cut: object) => (await source.rows(cut)).map(({ id }) => id);
      assert.deepEqual(await ids({}), ['early', 'late']);
      assert.deepEqual(await ids({ from: '2026-01-15T00:00:00Z' }), ['late']);
    }
  });
});
