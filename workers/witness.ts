import { readKeyFile } from '../client/signing/key-file.js';
import { sealWith } from '../client/signing/signing-key.js';
import { PortError } from '../domain/failures.js';
import type { TrustSource } from '../domain/ports/trust.js';
import type { Seal } from '../domain/signing/seal.js';
import type { WorkerEnvironment } from './environment.js';

/**
 * With which key a worker seals what it writes; null where its installation has no witnesses.
 * @throws PortError `SetUpMissing` where the trust file names witnesses and the worker is none of them, or the other way round: what it
 *   wrote would be followed by nobody.
 */
export async function requiredSeal(
  { witnessKey }: Pick<WorkerEnvironment, 'witnessKey'>,
  source: TrustSource,
): Promise<Seal | null> {
  const trust = await source.read();
  const known = trust?.witnesses.filter((each) => each.retired === undefined) ?? [];
  if (witnessKey === undefined) {
    if (known.length === 0) return null;
    throw missing('the trust file names witnesses: set SWITCHYARD_WITNESS_KEY to the key of one');
  }
  const key = await readKeyFile(witnessKey);
  if (known.some(({ kid, compromised }) => kid === key.kid && compromised === undefined)) {
    return sealWith(key);
  }
  throw missing(
    `the key ${key.kid} of SWITCHYARD_WITNESS_KEY is no witness of the trust file: npx switchyard keys trust ${witnessKey}.pub --witness`,
  );
}

const missing = (sentence: string) => new PortError('SetUpMissing', sentence);
