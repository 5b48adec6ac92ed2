import { isPortError } from '../domain/failures.js';
import type { FailureType } from '../domain/failures.js';

/**
 * `NotReady`: nothing serves yet, or the process ends. `Overloaded`: too many requests wait. `TimedOut`: it waited too long itself.
 * `InvalidRow`: a predictor's row is not as the contract says; it never reached the model. `ClientGone`: nobody waits for the answer.
 * `Unauthorized`, `Forbidden`: no token, or none for this model. `NotFound`: no such route.
 */
export type AnswerErrorType =
  | FailureType
  | 'NotReady'
  | 'Overloaded'
  | 'TimedOut'
  | 'InvalidRow'
  | 'ClientGone'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'Internal';

/** An answer that is no result: its HTTP status, its type and one sentence. */
export class AnswerError extends Error {
  /** When to ask again, where that is known. */
  readonly retryAfterSeconds: number | null;

  constructor(
    readonly status: number,
    readonly type: AnswerErrorType,
    message: string,
    given: { readonly retryAfterSeconds?: number } = {},
  ) {
    super(message);
    this.name = 'AnswerError';
    this.retryAfterSeconds = given.retryAfterSeconds ?? null;
  }
}

/** Refuses a request that breaks the protocol or the model's contract. */
export function badRequest(message: string): AnswerError {
  return new AnswerError(400, 'InvalidInput', message);
}

/** What a caller is told of a failure of the model's process. */
export function answerErrorOf(error: unknown): AnswerError {
  if (error instanceof AnswerError) return error;
  if (!isPortError(error))
    return new AnswerError(500, 'Internal', 'the endpoint failed; see its log');
  if (error.type !== 'InvalidInput') return new AnswerError(503, error.type, error.message);
  // the request was well-formed, yet the model has no number for a row of it
  const status = failedRow(error) === null ? 400 : 422;
  return new AnswerError(status, 'InvalidInput', error.message);
}

/** The row whose fault a failure is, where the failure knows it. */
export function failedRow(error: unknown): number | null {
  const row = isPortError(error) ? error.details['row'] : undefined;
  return typeof row === 'number' ? row : null;
}
