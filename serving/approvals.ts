import type { Evidence } from '../domain/evidence.js';
import { PortError } from '../domain/failures.js';
import type { ServedVersion } from '../domain/live-state.js';
import type { Registry } from '../domain/ports/registry.js';
import type { TrustSource } from '../domain/ports/trust.js';
import { proofFaults } from '../domain/served-proof.js';

/** Evidence that is kept: of the versions that `live.json` remembers, and some more. */
const KEPT = 50;

export interface ApprovalsOptions {
  readonly registry: Pick<Registry, 'evidence'>;
  readonly trust: TrustSource;
  readonly model: string;
}

/** Whether a version is approved as its evidence and the trust file ask. */
export class Approvals {
  readonly #options: ApprovalsOptions;
  /** By its digest, which its approvals name: no other bytes have it. */
  readonly #evidence = new Map<string, Evidence>();

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  /** @throws PortError `EvidenceInvalid`: whoever can write `live.json` can name any version there, but can sign nothing. */
  async require(served: ServedVersion): Promise<void> {
    const fault = await this.fault(served);
    if (fault === null) return;
    throw new PortError('EvidenceInvalid', fault);
  }

  /**
   * Why it is not; null where it is, or decisions are not signed.
   * @throws PortError where trust file or evidence cannot be read.
   */
  async fault(served: ServedVersion): Promise<string | null> {
    const trust = await this.#options.trust.read();
    if (trust === null) return null;
    return proofFaults(served, await this.#evidenceOf(served), trust)[0] ?? null;
  }

  /** Read once, so that what serves can be asked about again while the store is away. */
  async #evidenceOf({ digest, evidence: name }: ServedVersion): Promise<Evidence | null> {
    const { registry, model } = this.#options;
    const known = this.#evidence.get(name) ?? (await registry.evidence(model, digest, name));
    if (known === null) return null;
    this.#evidence.delete(name);
    this.#evidence.set(name, known);
    const [oldest] = this.#evidence.keys();
    if (this.#evidence.size > KEPT && oldest !== undefined) this.#evidence.delete(oldest);
    return known;
  }
}
