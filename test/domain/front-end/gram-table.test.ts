import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GramTable } from '../../../domain/front-end/gram-table.js';

function find(table: GramTable, symbols: readonly number[]): number {
  let entry = -1;
  for (const symbol of symbols) {
    entry = table.next(entry, symbol);
    if (entry < 0) return 0;
  }
  return table.termAt(entry);
}

describe('GramTable', () => {
  it('finds every path it was given and no other, also when it has grown many times', () => {
    const path = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(path, { maxLength: 3_000 }), fc.array(path), (known, others) => {
        const table = new GramTable();
        const terms = new Map<string, number>();
        for (const [index, symbols] of known.entries()) {
          const key = symbols.join();
          assert.equal(table.add(symbols, index + 1), !terms.has(key));
          if (!terms.has(key)) terms.set(key, index + 1);
        }
        for (const symbols of [...known, ...others]) {
          assert.equal(find(table, symbols), terms.get(symbols.join()) ?? 0);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('holds 100,000 paths', () => {
    const table = new GramTable();
    for (let term = 1; term <= 100_000; term++) table.add([term % 317, term], term);
    for (let term = 1; term <= 100_000; term++) assert.equal(find(table, [term % 317, term]), term);
    assert.equal(find(table, [1, 2]), 0);
  });
});
