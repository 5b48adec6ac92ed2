/** One set-up at a time in a checkout: the second waits for the first. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Missing, ROOT, say } from './setup-run.js';

const LOCK = path.join(ROOT, '.switchyard/setup.lock');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function tryCreate(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new Missing(`${file} cannot be written (${error.code}): make this folder writable`);
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The holder touches its lock every second; a pid alone may have been given to somebody else. */
function lockState() {
  try {
    const text = fs.readFileSync(LOCK, 'utf8');
    const beat = fs.statSync(LOCK).mtimeMs;
    // Empty: created, its pid not yet written.
    return { pid: text, key: `${text} ${beat}`, isHeld: text === '' || isAlive(Number(text)) };
  } catch {
    return null;
  }
}

/** Only one waiter at a time may break a dead lock, or it might break its successor's. */
function breakLock(key) {
  const breaking = `${LOCK}.breaking`;
  if (!tryCreate(breaking)) {
    const age =
      Date.now() - (fs.statSync(breaking, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 10_000) fs.rmSync(breaking, { force: true });
    return;
  }
  if (lockState()?.key === key) fs.rmSync(LOCK, { force: true });
  fs.rmSync(breaking, { force: true });
}

/** Waits until no other set-up is at work; resolves to what gives the lock back. */
export async function takeLock() {
  fs.mkdirSync(path.dirname(LOCK), { recursive: true });
  let last = '';
  let unchanged = 0;
  while (!tryCreate(LOCK)) {
    const state = lockState();
    if (state !== null) {
      if (last === '') say(`another set-up (process ${state.pid}) is at work here, waiting for it`);
      unchanged = state.key === last ? unchanged + 1 : 0;
      last = state.key;
      if (!state.isHeld || unchanged > 150) breakLock(state.key);
    }
    await pause(100);
  }
  const beat = setInterval(() => fs.utimesSync(LOCK, new Date(), new Date()), 1000);
  beat.unref();
  return () => {
    clearInterval(beat);
    fs.rmSync(LOCK, { force: true });
  };
}
