import { badRequest } from './answer-error.js';

/** The JSON part's length in a request or answer that carries tensors as bytes behind it. */
export const HEADER_LENGTH = 'inference-header-content-length';

/** A request's body: JSON, and behind it the bytes of tensors (the protocol's binary tensor data extension), where there are any. */
export interface InferBody {
  readonly json: unknown;
  readonly binary: Buffer;
}

export const NO_BYTES = Buffer.alloc(0);

/** @throws AnswerError 400 where it is no JSON, or shorter than its header says. */
export function readInferBody(body: Buffer, headerLength: string | undefined): InferBody {
  if (headerLength === undefined) return { json: parseJson(body), binary: NO_BYTES };
  const length = /^\d{1,10}$/.test(headerLength) ? Number(headerLength) : Number.NaN;
  if (!(length <= body.byteLength)) {
    throw badRequest(
      `${HEADER_LENGTH} is "${headerLength.slice(0, 20)}", expected at most the body's ${body.byteLength} bytes`,
    );
  }
  return { json: parseJson(body.subarray(0, length)), binary: body.subarray(length) };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badRequest(`the body is no JSON: ${why}`);
  }
}
