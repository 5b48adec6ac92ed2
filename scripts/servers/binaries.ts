import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PortError } from '../../domain/failures.js';

const FOLDER = fileURLToPath(new URL('../../trainers/servers/.venv/bin/', import.meta.url));

/** The servers that trainers/servers/uv.lock pins. */
export type ServerBinary = 'temporal' | 'temporal-test-server' | 'weed';

/** The absolute path of a server's binary, whether or not it is installed. */
export function serverBinary(name: ServerBinary): string {
  return `${FOLDER}${name}`;
}

/** Throws `PortError` `SetUpMissing` with the command to type where a binary is not installed. */
export function requireBinary(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new PortError('SetUpMissing', `${path} is missing: run \`npm run setup\``, { cause });
  }
}
