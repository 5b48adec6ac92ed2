import { measureWorkflowBundle } from '../../../workers/measure-bundle.js';
import { installRuntime } from '../../../testing/runtime.js';
import type { Row } from '../benchmark.js';

const LOADS = 5;
const LIMIT_BYTES = 1_500_000;

/** What a worker loads: the workflow bundle as it is shipped, its source map apart. */
export const yardBundleRow: Row = {
  name: 'bundle',
  run: async () => {
    installRuntime();
    const { codeBytes, mapBytes, loadMs } = await measureWorkflowBundle({ loads: LOADS });
    return [
      {
        what: 'workflow bundle, bytes',
        unit: '',
        value: codeBytes,
        other: null,
        target: { of: 'value', atMost: LIMIT_BYTES },
        rounds: 1,
        note: `minified; its source map apart, ${mapBytes} bytes; a worker loads both in ${loadMs.toFixed(0)} ms (median of ${LOADS})`,
      },
    ];
  },
};
