import type { Row } from '../benchmark.js';
import { yardBundleRow } from './bundle.js';
import { statusRow } from './status.js';
import { workersRow } from './workers.js';

/** What working with it every day costs. */
export const yardRows: readonly Row[] = [statusRow, yardBundleRow, workersRow];
