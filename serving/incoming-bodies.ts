import type { IncomingMessage } from 'node:http';
import { AnswerError } from './answer-error.js';
import { HeldBytes } from './fair-share.js';

/** A larger one counts from its request's head on, and is read in its turn: parsing it takes some tenths of a millisecond. */
export const LARGE_BODY_BYTES = 16 * 1024;

/** So many of the largest bodies may be on their way, where they are more than may wait. */
const LARGEST_BODIES = 4;

/** A body that counts. */
export interface HeldBody {
  /** Its request is being answered: from now on `release` is called there. */
  isTaken: boolean;
  /** May be called more than once. */
  release(): void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null for a small one. */
    heldBody: HeldBody | null;
  }
}

export interface IncomingBodiesLimits {
  /** Of one body. */
  readonly bodyLimitBytes: number;
  /** Of all that are on their way; at least four of the largest are let in. */
  readonly maxWaitingBytes: number;
}

/** What is asked of a request: fastify's has it. */
interface Sender {
  readonly headers: IncomingMessage['headers'];
  readonly raw: Pick<IncomingMessage, 'once'>;
  heldBody: HeldBody | null;
}

/**
 * Bytes of large bodies, of all models, from their requests' heads on until their rows wait in a version's queue. A customer may fill no
 * more than a part of what is free, as in that queue; an idle endpoint has a place for any.
 */
export class IncomingBodies {
  readonly #bodyLimitBytes: number;
  readonly #held: HeldBytes;

  constructor({ bodyLimitBytes, maxWaitingBytes }: IncomingBodiesLimits) {
    this.#bodyLimitBytes = bodyLimitBytes;
    this.#held = new HeldBytes(Math.max(maxWaitingBytes, LARGEST_BODIES * bodyLimitBytes));
  }

  /** Counts a request's body, if it is large; why it finds no place, or null. One over the limit is not counted: nobody reads it. */
  hold(request: Sender, customer: string): AnswerError | null {
    const bytes = announcedBytes(request.headers, this.#bodyLimitBytes);
    if (bytes <= LARGE_BODY_BYTES || bytes > this.#bodyLimitBytes) return null;
    if (this.#held.hasItsShare(customer)) return this.#refusal(customer);
    this.#held.add(customer, bytes);
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#held.add(customer, -bytes);
      isHeld = false;
    };
    const held = { isTaken: false, release };
    request.heldBody = held;
    // one that came to its end is taken before its stream closes
    request.raw.once('close', () => {
      if (!held.isTaken) release();
    });
    return null;
  }

  #refusal(customer: string): AnswerError {
    const whose = customer === '' ? '' : ` of "${customer}"`;
    return new AnswerError(
      429,
      'Overloaded',
      `${this.#held.total} bytes of bodies are on their way already; no place for one more${whose}`,
      { retryAfterSeconds: 1 },
    );
  }
}

/** What a request says of its body before it comes; without a length it may be as large as the limit. */
function announcedBytes(headers: IncomingMessage['headers'], limitBytes: number): number {
  const length = headers['content-length'];
  if (length !== undefined) return Number(length);
  return headers['transfer-encoding'] === undefined ? 0 : limitBytes;
}
