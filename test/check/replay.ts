import { readWorkflowBundle } from '../../workers/bundle.js';
import { installRuntime } from '../../testing/runtime.js';
import { recordedHistory, recordedNames, replay } from '../replay/recorded.js';

const FEWEST = 20;

/**
 * `npm run check -- replay`: replays every recorded history against the present workflows. Exit code 1 where one does not replay: runs
 * that are open on the build before would stall on this code; or where there are fewer than 20.
 */
async function main(): Promise<void> {
  installRuntime();
  const workflowBundle = await readWorkflowBundle();
  const names = recordedNames();
  let errors = 0;
  for (const name of names) {
    const history = await recordedHistory(name);
    const problem = await replay(workflowBundle, history).then(() => null, sentenceOf);
    if (problem !== null) errors += 1;
    process.stdout.write(`${name}: ${problem ?? 'replays'}\n`);
  }
  const isMet = errors === 0 && names.length >= FEWEST;
  process.stdout.write(`${names.length} histories (at least ${FEWEST}), ${errors} errors\n`);
  process.stdout.write(isMet ? 'PASS\n' : 'FAIL\n');
  process.exitCode = isMet ? 0 : 1;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

await main();
process.exit();
