import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { PortError } from '../../domain/failures.js';

const FOLDER = path.join(PACKAGE_ROOT, 'trainers/servers/.venv/bin');

/** The servers that trainers/servers/uv.lock pins. */
export type ServerBinary = 'temporal' | 'temporal-test-server' | 'weed';

/** The absolute path of a server's binary, whether or not it is installed. */
export function serverBinary(name: ServerBinary): string {
  return path.join(FOLDER, name);
}

/** Throws `PortError` `SetUpMissing` with the command to type where a binary is not installed. */
export function requireBinary(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch (cause) {
    throw new PortError('SetUpMissing', `${file} is missing: run \`npx switchyard setup\``, {
      cause,
    });
  }
}
