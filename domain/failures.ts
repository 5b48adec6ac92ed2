/**
 * Every failure type, by what happens next. Code matches on the type, never on a class: class identity does not
 * survive a wire. `terminal`: nothing but a change by the caller helps. `retryable`: the same call may work later.
 */
export const FAILURES = {
  // terminal: bad input
  InvalidName: 'terminal',
  InvalidSpec: 'terminal',
  InvalidRequest: 'terminal',
  UnknownModel: 'terminal',
  UnknownVersion: 'terminal',
  UnknownTrainer: 'terminal',
  UnknownDataSource: 'terminal',
  UnknownTarget: 'terminal',
  InvalidParameter: 'terminal',
  InvalidDataset: 'terminal',
  InvalidModelFile: 'terminal',
  ContractMismatch: 'terminal',
  UnsupportedOperator: 'terminal',
  InvalidInput: 'terminal',
  BadTrainerOutput: 'terminal',
  EvidenceInvalid: 'terminal',
  DigestMismatch: 'terminal',
  SnapshotReplaced: 'terminal',
  PayloadTooLarge: 'terminal',
  // terminal: the world is not as it must be
  StoreIgnoresConditions: 'terminal',
  StoreRefused: 'terminal',
  SetUpMissing: 'terminal',
  ReplicasNotReady: 'terminal',
  // retryable
  StoreUnreachable: 'retryable',
  TemporalUnreachable: 'retryable',
  TrustUnreadable: 'retryable',
  TrainerCrashed: 'retryable',
  TrainerHung: 'retryable',
  RuntimeCrashed: 'retryable',
  RuntimeTimeout: 'retryable',
  OutOfMemory: 'retryable',
  LivePointerBusy: 'retryable',
  NotificationFailed: 'retryable',
} as const;

export type FailureType = keyof typeof FAILURES;

/** What an adapter or a rule throws. `type` says what happened, `kind` what happens next. */
export class PortError extends Error {
  readonly type: FailureType;
  readonly kind: 'terminal' | 'retryable';
  /** JSON that helps the reader: ids, expected against got. */
  readonly details: Readonly<Record<string, unknown>>;

  /** @param message - One sentence: what failed, which id, expected against got with the unit, what to do next. */
  constructor(
    type: FailureType,
    message: string,
    given: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, given.cause === undefined ? undefined : { cause: given.cause });
    this.name = 'PortError';
    this.type = type;
    this.kind = FAILURES[type];
    this.details = given.details ?? {};
  }
}

/**
 * True for a `PortError`, whatever its type; also for one of another copy of this module, as a configuration file that is
 * compiled when it is loaded brings it.
 */
export function isPortError(error: unknown): error is PortError {
  if (error instanceof PortError) return true;
  if (!(error instanceof Error) || error.name !== 'PortError' || !('type' in error)) return false;
  return typeof error.type === 'string' && Object.hasOwn(FAILURES, error.type);
}
