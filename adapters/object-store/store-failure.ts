import { PortError } from '../../domain/failures.js';

/** The part of an SDK error that says what happened. */
interface Answer {
  readonly name: string;
  readonly message: string;
  /** Undefined where the store gave no answer at all. */
  readonly httpStatus: number | undefined;
  /** Node's, such as `ECONNREFUSED`; undefined where the store answered. */
  readonly code: string | undefined;
}

/** Which call failed. */
export interface StoreCall {
  /** As S3 names it, such as `PutObject`. */
  readonly operation: string;
  readonly endpoint: string;
  readonly bucket: string;
  /** A key or a prefix. */
  readonly key: string;
}

const NETWORK_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'],
  ...['ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_CONSTANT', 'HPE_INVALID_EOF_STATE'],
]);
const NETWORK_NAMES = new Set(['TimeoutError', 'AbortError', 'NetworkingError']);
/** 400 and 403 that a later call may not get. */
const PASSING_NAMES = new Set([
  ...['RequestTimeout', 'SlowDown', 'Throttling', 'ThrottlingException'],
  // the request did not arrive as it was sent
  ...['BadDigest', 'IncompleteBody', 'ClientDisconnected'],
  // the SDK follows the clock of every answer, also of a wrong one, and of this refusal for the next call
  'RequestTimeTooSkewed',
]);
/** 409: another call is under way, and S3 says to come again. */
const PASSING_STATUSES = new Set([409, 429]);
/** How the SDK says that a body is not what the store's checksum says. */
const TURNED_BODY = 'Checksum mismatch';

/** Reads an error of the SDK or of a body's stream. */
export function readAnswer(error: unknown): Answer {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), httpStatus: undefined, code: undefined };
  }
  return {
    name: error.name,
    message: error.message,
    httpStatus: numberIn(propertyOf(error, '$metadata'), 'httpStatusCode'),
    code: stringIn(error, 'code'),
  };
}

/** True where the connection failed, not the request: refused, reset, timed out, cut off, or bytes turned on the way. */
export function isNetworkFailure(answer: Answer): boolean {
  return (
    NETWORK_NAMES.has(answer.name) ||
    (answer.code !== undefined && NETWORK_CODES.has(answer.code)) ||
    answer.message === 'aborted' ||
    answer.message.startsWith(TURNED_BODY)
  );
}

/** `StoreUnreachable` (refused, timeout, 409, 429, 5xx, spoiled on the way) or `StoreRefused` (everything else), in one sentence. */
export function storeFailure(call: StoreCall, cause: unknown): PortError {
  const answer = readAnswer(cause);
  const { operation, endpoint, bucket, key } = call;
  const status = answer.httpStatus;
  const details = { ...call, status: status ?? null, code: answer.code ?? answer.name };
  const what = `${operation} of ${key === '' ? 'the bucket' : key} in bucket ${bucket}`;
  const isPassing =
    PASSING_NAMES.has(answer.name) ||
    isGarbled(answer) ||
    (status !== undefined && (PASSING_STATUSES.has(status) || status >= 500));
  if (isPassing) {
    const message = `The store at ${endpoint} did not manage ${what}: ${answer.name} (HTTP ${status ?? 'none'}); it is tried again later.`;
    return new PortError('StoreUnreachable', message, { details, cause });
  }
  if (answer.message.startsWith(TURNED_BODY)) {
    const message = `The store at ${endpoint} was asked for ${what}, and other bytes arrived than it holds: something on the way changes them, or the disk does.`;
    return new PortError('StoreUnreachable', message, { details, cause });
  }
  if (isNetworkFailure(answer)) {
    const message = `The store at ${endpoint} cannot be reached for ${what} (${answer.code ?? answer.name}): check that it runs and that the address is right.`;
    return new PortError('StoreUnreachable', message, { details, cause });
  }
  const got = status === undefined ? answer.name : `${answer.name}, HTTP ${status}`;
  const message = `The store at ${endpoint} refused ${what} (${got}: ${answer.message}): ${advice(answer, bucket)}.`;
  return new PortError('StoreRefused', message, { details, cause });
}

/** A 400 that is none of S3's, in which an error is named: the server under it could not read the request. */
function isGarbled({ name, httpStatus }: Answer): boolean {
  return httpStatus === 400 && name === 'Error';
}

function advice({ name, httpStatus }: Answer, bucket: string): string {
  if (name === 'NoSuchBucket') return `make the bucket ${bucket} or name another`;
  if (name === 'CredentialsProviderError' || httpStatus === 401 || httpStatus === 403) {
    return 'check the credentials and what they may do';
  }
  return 'see the reason above';
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function numberIn(value: unknown, name: string): number | undefined {
  const found = propertyOf(value, name);
  return typeof found === 'number' ? found : undefined;
}

function stringIn(value: unknown, name: string): string | undefined {
  const found = propertyOf(value, name);
  return typeof found === 'string' ? found : undefined;
}
