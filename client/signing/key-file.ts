import { readFile, stat, writeFile } from 'node:fs/promises';
import { PortError } from '../../domain/failures.js';
import {
  publicKeyFileSchema,
  signingKeySchema,
  type PublicKey,
  type SigningKey,
} from './signing-key.js';

/** Writes a private key, for its owner alone; never over a file that is there. */
export async function writeKeyFile(file: string, key: SigningKey): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(key, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw unusable(file, 'cannot be written', error);
  }
}

/** Reads a private key; refused where others may read it too. */
export async function readKeyFile(file: string): Promise<SigningKey> {
  const mode = await stat(file).then(
    (found) => found.mode,
    (error: unknown) => {
      throw unusable(file, 'cannot be read', error);
    },
  );
  if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw unusable(file, `can be read by others: type chmod 600 ${file}`);
  }
  const parsed = signingKeySchema.safeParse(jsonOf(await readFile(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw unusable(file, 'is not one that npx switchyard keys new makes');
}

/** Reads what `npx switchyard keys new` wrote for others to trust. */
export async function readPublicKey(file: string): Promise<PublicKey> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw unusable(file, 'cannot be read', error);
  });
  const parsed = publicKeyFileSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw unusable(file, 'is not a public key: name the .pub file of npx switchyard keys new');
}

/** Null where it is none; the parser's own sentence would show what it read. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unusable(file: string, why: string, cause?: unknown): PortError {
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new PortError('InvalidRequest', `the key file ${file} ${why}${code}`);
}
