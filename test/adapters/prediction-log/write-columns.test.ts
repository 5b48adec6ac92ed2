import assert from 'node:assert/strict';
import type { SchemaElement } from 'hyparquet';
import {
  columnOf,
  NumberCells,
  RepeatedCells,
  type LogColumn,
} from '../../../adapters/prediction-log/columns.js';
import { bytesFile, readRows } from '../../../adapters/prediction-log/parquet-file.js';
import { encodeColumns } from '../../../adapters/prediction-log/write-columns.js';

const TEXT: SchemaElement = { name: 'x', type: 'BYTE_ARRAY', converted_type: 'UTF8' };
const FLOATS: readonly SchemaElement[] = [
  {
    ...{ name: 'x', repetition_type: 'OPTIONAL', num_children: 1 },
    ...{ converted_type: 'LIST', logical_type: { type: 'LIST' } },
  },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
];

async function cellsOf(column: LogColumn): Promise<unknown[]> {
  const rows = await readRows(bytesFile(encodeColumns([column])));
  return rows.map((row) => row['x'] ?? null);
}

describe('columns of the prediction log', () => {
  it('have each repeated value in its rows, and null where there is none', async () => {
    const cells = new RepeatedCells();
    const expected: (string | null)[] = [];
    for (let run = 0; run < 300; run++) {
      const value = run % 7 === 0 ? null : `value ${run % 290}`;
      cells.add(value, run % 20);
      expected.push(...new Array<string | null>(run % 20).fill(value));
    }
    const read = await cellsOf(cells.column('x', [{ ...TEXT, repetition_type: 'OPTIONAL' }]));
    assert.deepEqual(read, expected);
  });

  it('may have nothing but nulls', async () => {
    const cells = new RepeatedCells();
    cells.add(null, 3);
    const read = await cellsOf(cells.column('x', [{ ...TEXT, repetition_type: 'OPTIONAL' }]));
    assert.deepEqual(read, [null, null, null]);
  });

  it('have numbers bit by bit: zeros with their signs, and what is none', async () => {
    const cells = new NumberCells(false);
    cells.addNulls(2);
    cells.add(Float32Array.of(-0, 0, Number.NaN, 0.1), [3, 1], []);
    cells.addNulls(1);
    const elements = [{ name: 'x', type: 'FLOAT', repetition_type: 'OPTIONAL' }] as const;
    assert.deepEqual(await cellsOf(cells.column('x', elements)), [
      ...[null, null, -0, 0, Number.NaN, Math.fround(0.1), null],
    ]);
  });

  it('have lists of any length: several, one, none, and no list', async () => {
    const cells = new NumberCells(true);
    cells.add(Float32Array.of(1, 2, 3, 4, 5, 6, 7), [2, 1], [3, 1]);
    cells.addNulls(1);
    cells.add(new Float32Array(0), [2], [0]);
    cells.add(Float32Array.of(8, 9), [1], [2]);
    const read = await cellsOf(cells.column('x', FLOATS));
    assert.deepEqual(read, [[1, 2, 3], [4, 5, 6], [7], null, [], [], [8, 9]]);
  });

  it('have whole numbers of 64 bits', async () => {
    const cells = new NumberCells(false);
    const values = BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n);
    cells.add(values, [2], []);
    const elements = [{ name: 'x', type: 'INT64', repetition_type: 'OPTIONAL' }] as const;
    assert.deepEqual(await cellsOf(cells.column('x', elements)), [...values]);
  });

  it('have texts as the library writes them', async () => {
    const read = await cellsOf(
      columnOf('x', [{ ...TEXT, repetition_type: 'OPTIONAL' }], ['é', null]),
    );
    assert.deepEqual(read, ['é', null]);
  });
});
