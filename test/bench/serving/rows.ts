import type { Row } from '../benchmark.js';
import { requireWrk } from './comparators.js';
import { fairnessRow, heavyTransactionsRow, transactionsRow } from './customers-rows.js';
import { addedRow, binaryRow, jsonRow, singleRow } from './endpoint-rows.js';
import { heavyRow, loopRow } from './heavy-rows.js';
import { logRow, memoryRow } from './lasting-rows.js';
import { overloadRow } from './overload-row.js';
import { predictorRow } from './predictor-row.js';
import { swapsRow } from './swaps-row.js';
import { textRow } from './text-row.js';

/** The data plane against what would be written first, and against onnxruntime itself. */
export const servingRows: readonly Row[] = [
  textRow,
  transactionsRow,
  heavyTransactionsRow,
  fairnessRow,
  singleRow,
  addedRow,
  predictorRow,
  jsonRow,
  binaryRow,
  heavyRow,
  loopRow,
  swapsRow,
  memoryRow,
  overloadRow,
  logRow,
].map((row) => ({
  name: row.name,
  run: async (say) => {
    requireWrk();
    return row.run(say);
  },
}));
