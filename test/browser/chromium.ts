import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Starts the system's Chromium, or that of `SWITCHYARD_CHROMIUM`. Rejects with what to type where there is none. */
export async function startChromium(): Promise<Browser> {
  const executablePath = process.env['SWITCHYARD_CHROMIUM'] ?? findChromium();
  if (executablePath === undefined || !existsSync(executablePath)) {
    throw new Error(
      `the browser tests need Chromium: type apt-get install chromium, or set SWITCHYARD_CHROMIUM (it is ${executablePath ?? 'not set'})`,
    );
  }
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

function findChromium(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}
