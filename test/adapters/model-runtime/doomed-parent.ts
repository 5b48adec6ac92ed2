/** Opens the looping model in the given folder, starts an endless batch, prints the child's pid and waits to be killed. */
import { ChildModelRuntime } from '../../../adapters/model-runtime/child-model-runtime.js';
import { loopModel } from '../../support/small-models.js';

const opened = await new ChildModelRuntime().open({
  directory: process.argv[2] ?? '',
  artifact: 'model.onnx',
  manifest: loopModel().manifest,
  memoryLimitBytes: 512 * 1024 * 1024,
  loadDeadlineMs: 20_000,
});
const endless = opened.infer(
  [{ name: 'trips', datatype: 'INT64', shape: [1], data: BigInt64Array.of(10n ** 15n) }],
  { timeoutMs: 600_000 },
);
process.stdout.write(`${opened.pid}\n`);
await endless;
