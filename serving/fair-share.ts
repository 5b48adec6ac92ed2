/** A customer may have so many times the places that it leaves free. */
const GREED = 4;

/**
 * Whether a customer has as much as it may: a part of what is free, so that there is a place for the next one (dynamic thresholds,
 * Choudhury and Hahne 1998).
 */
export function hasItsShare(own: number, free: number): boolean {
  return own >= GREED * free;
}

/** Bytes that are held, by customer. */
export class HeldBytes {
  readonly #atMost: number;
  readonly #of = new Map<string, number>();
  #total = 0;

  constructor(atMost: number) {
    this.#atMost = atMost;
  }

  get total(): number {
    return this.#total;
  }

  hasItsShare(customer: string): boolean {
    return hasItsShare(this.#of.get(customer) ?? 0, this.#atMost - this.#total);
  }

  /** Fewer again, where `bytes` is negative. */
  add(customer: string, bytes: number): void {
    this.#total += bytes;
    const own = (this.#of.get(customer) ?? 0) + bytes;
    if (own > 0) this.#of.set(customer, own);
    else this.#of.delete(customer);
  }
}
