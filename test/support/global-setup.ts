import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stopTestServers } from '../../testing/servers.js';

const SET_UP = fileURLToPath(new URL('../../scripts/setup.js', import.meta.url));

/** So that `npx mocha` alone finds servers, packages and workflow bundles as `npm test` does. */
export async function mochaGlobalSetup(): Promise<void> {
  const setUp = spawn(process.execPath, [SET_UP], { stdio: 'inherit' });
  const code = await new Promise((resolve) => setUp.once('exit', resolve));
  if (code !== 0) throw new Error('the set-up failed: type `npm run setup`');
}

/** Ends the servers that tests shared. What is still open keeps the run from ending, and shows so. */
export async function mochaGlobalTeardown(): Promise<void> {
  await stopTestServers();
  // Nothing is open any more then. Node would go on to take its environment down, and was seen to wait there for ever, busy, for a
  // native request that nobody answers: uv_run in node::Environment::CleanupHandles (Node 20).
  process.once('beforeExit', () => process.exit());
}
