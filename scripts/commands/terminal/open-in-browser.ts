import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/** What opens an address on each system; elsewhere it is as on Linux. */
const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};
const PATIENCE_MS = 1_500;

/** Opens a file in the person's browser, which stays when this process ends; resolves to whether there is one. */
export async function openInBrowser(file: string): Promise<boolean> {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, pathToFileURL(file).href], {
    ...{ detached: true, stdio: 'ignore' },
  });
  child.unref();
  return new Promise<boolean>((resolve) => {
    // one that still runs by then is the browser itself
    const timer = setTimeout(() => resolve(true), PATIENCE_MS);
    const settle = (isOpen: boolean) => {
      clearTimeout(timer);
      resolve(isOpen);
    };
    child.once('error', () => settle(false));
    child.once('exit', (code) => settle(code === 0));
  });
}
