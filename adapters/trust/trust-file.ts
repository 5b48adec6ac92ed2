import { readFile } from 'node:fs/promises';
import { describeIssues } from '../../domain/describe-issues.js';
import { isPortError, PortError } from '../../domain/failures.js';
import { NO_TRUST, type TrustSource } from '../../domain/ports/trust.js';
import { trustSchema, type Trust } from '../../domain/signing/trust.js';

/** The trust file, read anew at each call, so that a key that is revoked is void at once. */
export class TrustFile implements TrustSource {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async read(): Promise<Trust> {
    let value: unknown;
    try {
      value = JSON.parse(await readFile(this.#file, 'utf8'));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw wrong(`the trust file ${this.#file} cannot be read: ${why}`, error);
    }
    const parsed = trustSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    const problems = describeIssues(trustSchema, parsed.error).join('; ');
    throw wrong(`the trust file ${this.#file} is wrong: ${problems}`);
  }
}

/**
 * Whom a process trusts; without a file decisions are not signed.
 * @throws PortError `SetUpMissing` at once, where a file is named that cannot be read or is wrong.
 */
export async function requiredTrust(file: string | undefined): Promise<TrustSource> {
  if (file === undefined) return NO_TRUST;
  const source = new TrustFile(file);
  try {
    await source.read();
  } catch (cause) {
    if (!isPortError(cause)) throw cause;
    throw new PortError('SetUpMissing', cause.message, { cause });
  }
  return source;
}

/** Nobody is trusted by a file that nobody can read: what needs it is tried again until it is mended. */
function wrong(sentence: string, cause?: unknown): PortError {
  return new PortError('TrustUnreadable', sentence, { cause });
}
