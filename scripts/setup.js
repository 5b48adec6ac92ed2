/**
 * Installs what the lock files say into this checkout, once, and says in one sentence what is missing.
 *
 *     node scripts/setup.js                          set up, then end
 *     node scripts/setup.js --then FILE.ts ARGS…     set up, then run the file in the same terminal
 *     node scripts/setup.js --python FOLDER…         of the Python projects only the servers' one and these, then end
 *
 * It has no dependencies, because it runs before there are any. What is already as the locks say
 * costs only their digests. Parts that do not wait for each other run at the same time.
 */
import * as path from 'node:path';
import { takeLock } from './setup-lock.js';
import { bringAll, isAllDone } from './setup-parts.js';
import { endAll, Missing, ROOT, start } from './setup-run.js';

async function setUp(wanted) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Missing(`Node.js 20.19 or newer is missing (this is ${process.version}): install it`);
  }
  if (isAllDone(wanted)) return;
  let release = () => undefined;
  const onSignal = (signal) => {
    endAll();
    release();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // before there is a lock: a signal that comes with it would leave it behind
  for (const signal of signals) process.on(signal, onSignal);
  try {
    release = await takeLock();
    await bringAll(wanted);
  } finally {
    endAll();
    for (const signal of signals) process.off(signal, onSignal);
    release();
  }
}

/** Runs the file as this process would have been: its terminal, its signals, its end. It is told how long set-up took. */
function become(file, args) {
  const node = ['--import', import.meta.resolve('tsx'), path.resolve(ROOT, file), ...args];
  const child = start(process.execPath, node, {
    cwd: process.cwd(),
    env: { ...process.env, SWITCHYARD_SETUP_MS: String(Math.round(performance.now())) },
    stdio: ['inherit', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both already; twice would mean "at once" to some.
      if (signal !== 'SIGINT' || !process.stderr.isTTY) child.kill(signal);
    });
  }
  child.once('error', (error) => {
    process.stderr.write(`${file} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const [flag, ...given] = process.argv.slice(2);
try {
  if (flag !== undefined && !(['--then', '--python'].includes(flag) && given.length > 0)) {
    throw new Missing(
      `Unknown argument ${flag}: type node scripts/setup.js [--then FILE.ts ARGS… | --python FOLDER…]`,
    );
  }
  await setUp(flag === '--python' ? given.map((folder) => path.resolve(folder)) : []);
  if (flag === '--then') become(given[0], given.slice(1));
} catch (error) {
  process.stderr.write(`${error instanceof Missing ? error.message : error.stack}\n`);
  process.exit(1);
}
