import type { Row } from '../benchmark.js';
import { bundleRow } from './bundle.js';
import { cloneRow, demoRow } from './demo.js';
import { fallbackRow } from './fallback.js';
import { historyRow } from './history.js';
import { overheadRow } from './overhead.js';

/** What one lifecycle costs, in the order of measuring: first what starts servers of its own. */
export const lifecycleRows: readonly Row[] = [
  demoRow,
  cloneRow,
  historyRow,
  overheadRow,
  fallbackRow,
  bundleRow,
];
