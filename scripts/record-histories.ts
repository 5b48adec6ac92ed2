/** Records the histories that `test/replay` replays. Run it when a workflow's commands change on purpose, before a release; names after it record only those. */
import { recordHistories } from '../test/replay/record-histories.js';

await recordHistories(process.argv.slice(2), (line) => {
  process.stdout.write(`${line}\n`);
});
