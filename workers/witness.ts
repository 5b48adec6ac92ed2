import { readKeyFile } from '../client/signing/key-file.js';
import { witnessSealer } from '../client/signing/sealers.js';
import { PortError } from '../domain/failures.js';
import type { Sealer } from '../domain/ports/sealer.js';
import type { TrustSource } from '../domain/ports/trust.js';
import type { WorkerEnvironment } from './environment.js';

/**
 * How a worker seals what it writes; nothing where its installation has no witnesses.
 * @throws PortError `SetUpMissing` where the trust file names witnesses and the worker is none of them, or the other way round: what it
 *   wrote would be followed by nobody.
 */
export async function requiredSealer(
  { witnessKey }: Pick<WorkerEnvironment, 'witnessKey'>,
  source: TrustSource,
): Promise<Sealer> {
  const witnesses = (await source.read())?.witnesses ?? [];
  if (witnessKey === undefined) {
    if (witnesses.length === 0) return witnessSealer(null, source);
    throw missing('the trust file names witnesses: set SWITCHYARD_WITNESS_KEY to the key of one');
  }
  const key = await readKeyFile(witnessKey);
  const own = witnesses.find(({ kid }) => kid === key.kid);
  if (own !== undefined && own.retired === undefined && own.compromised === undefined) {
    return witnessSealer(key, source);
  }
  throw missing(
    `the key ${key.kid} of SWITCHYARD_WITNESS_KEY is no witness of the trust file: npx switchyard keys trust ${witnessKey}.pub --witness`,
  );
}

const missing = (sentence: string) => new PortError('SetUpMissing', sentence);
