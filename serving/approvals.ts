import { PortError } from '../domain/failures.js';
import type { ServedVersion } from '../domain/live-state.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { signedFaults } from '../domain/served-proof.js';

/** Whether a version is approved as the trust file asks, by `live.json` and that file alone. */
export class Approvals {
  readonly #trust: TrustSource;
  readonly #model: string;

  constructor({ trust, model }: { readonly trust: TrustSource; readonly model: string }) {
    this.#trust = trust;
    this.#model = model;
  }

  /** @throws PortError `EvidenceInvalid`: whoever can write `live.json` can name any version there, but can sign nothing. */
  async require(served: ServedVersion): Promise<void> {
    const fault = await this.fault(served);
    if (fault === null) return;
    throw new PortError('EvidenceInvalid', `it is not approved as the trust file asks: ${fault}`);
  }

  /** Why it is not; null where it is, or decisions are not signed. */
  async fault(served: ServedVersion): Promise<string | null> {
    const trust = await this.#trust.read();
    if (trust === null) return null;
    return signedFaults(served, this.#model, trust)[0] ?? null;
  }
}
