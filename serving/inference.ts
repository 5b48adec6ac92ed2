import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { shortDigest } from '../domain/names.js';
import type { Tensor } from '../domain/ports/model-runtime.js';
import { AnswerError, answerErrorOf } from './answer-error.js';
import { writeAnswer, type InferAnswer } from './infer-answer.js';
import { HEADER_LENGTH, NO_BYTES, readInferBody } from './infer-body.js';
import { parseInferRequest } from './infer-request.js';
import type { Log } from './log.js';
import {
  resolve,
  type ModelParams,
  type OfferedModels,
  type ResolvedModel,
} from './offered-models.js';
import type { ServingMetrics } from './serving-metrics.js';
import { Turns } from './turns.js';

/** Names the customer whose rows a request has. */
export const CUSTOMER_HEADER = 'switchyard-customer';

export interface InferenceOptions {
  readonly models: OfferedModels;
  /** From the request's head to the begin of its last rows, in milliseconds; what waits for longer is not begun. */
  readonly requestTimeoutMs: number;
  readonly metrics: ServingMetrics;
  readonly log: Log;
}

/** A request on its way. */
interface Asking {
  readonly params: ModelParams;
  readonly body: Buffer;
  readonly headerLength: string | undefined;
  /** As a token or a header names it; a parameter of the body may name it where neither does. */
  readonly customer: string | null;
  readonly requestId: string;
  readonly startedMs: number;
  readonly asker: Asker;
}

type InferRoute = { Params: ModelParams; Body: Buffer | undefined };

/** The routes that infer. */
export function addInference(app: FastifyInstance, options: InferenceOptions): void {
  const inference = new Inference(options);
  for (const path of ['/v2/models/:model/infer', '/v2/models/:model/versions/:version/infer']) {
    app.post<InferRoute>(path, {
      // before the body is read: who finds no place must learn it at once, and cost nothing
      onRequest: (request, _reply, done) => done(inference.refusal(request) ?? undefined),
      handler: (request, reply) => inference.answer(request, reply),
    });
  }
}

/** As the token says, or the header where it says nothing. */
function customerOf({ caller, headers }: FastifyRequest<InferRoute>): string | null {
  const named = caller?.customer ?? headers[CUSTOMER_HEADER];
  if (typeof named !== 'string' || named === '') return null;
  if (named.length <= 200) return named;
  throw new AnswerError(400, 'InvalidInput', `${CUSTOMER_HEADER} is over 200 characters`);
}

/** A larger one is read in its turn: parsing it takes some tenths of a millisecond. */
const LARGE_BODY_BYTES = 16 * 1024;

/** Who waits at the other end of a connection. */
class Asker {
  readonly #socket: { readonly destroyed: boolean };

  constructor(socket: { readonly destroyed: boolean }) {
    this.#socket = socket;
  }

  get isGone(): boolean {
    return this.#socket.destroyed;
  }
}

/** Objects on this path are written out, field by field: spreading them costs a request as much as its JSON. */
class Inference {
  readonly #options: InferenceOptions;
  readonly #turns = new Turns();

  constructor(options: InferenceOptions) {
    this.#options = options;
  }

  /** Why a request is not to be read; null: it is. */
  refusal(request: FastifyRequest<InferRoute>): AnswerError | null {
    let found: ResolvedModel | null = null;
    let refusal: AnswerError | null;
    try {
      found = resolve(this.#options.models, request.params);
      refusal = found.version.refusal(customerOf(request) ?? '');
    } catch (error) {
      refusal = answerErrorOf(error);
    }
    if (refusal) this.#options.metrics.answered(found, refusal.status, null);
    return refusal;
  }

  async answer(request: FastifyRequest<InferRoute>, reply: FastifyReply): Promise<FastifyReply> {
    const header = request.headers[HEADER_LENGTH];
    const { json, bytes } = await this.#counted({
      params: request.params,
      body: request.body ?? NO_BYTES,
      requestId: request.id,
      asker: new Asker(request.raw.socket),
      headerLength: typeof header === 'string' ? header : undefined,
      customer: customerOf(request),
      startedMs: performance.now(),
    });
    if (bytes === null) {
      return reply.header('content-type', 'application/json; charset=utf-8').send(json);
    }
    return reply
      .header('content-type', 'application/octet-stream')
      .header(HEADER_LENGTH, json.byteLength)
      .send(Buffer.concat([json, bytes]));
  }

  async #counted(asking: Asking): Promise<InferAnswer> {
    const { models, metrics, log } = this.#options;
    let found: ResolvedModel | null = null;
    let failure: AnswerError | null = null;
    metrics.inFlight += 1;
    try {
      // before a version is chosen: it could be closed meanwhile
      if (asking.body.byteLength > LARGE_BODY_BYTES) await this.#turns.next();
      found = resolve(models, asking.params);
      return await this.#inferOn(found, asking);
    } catch (error) {
      failure = answerErrorOf(error);
      throw failure;
    } finally {
      metrics.inFlight -= 1;
      const status = failure?.status ?? 200;
      const elapsedMs = performance.now() - asking.startedMs;
      metrics.answered(found, status, elapsedMs);
      if (log.isLevelEnabled?.('debug') !== false) {
        const { requestId } = asking;
        const about = { ...(found && aboutVersion(found)), requestId, status, elapsedMs };
        log.debug(about, failure?.type ?? 'answered');
      }
    }
  }

  /** Answers by one version; what was asked and answered goes to the prediction log. */
  async #inferOn(found: ResolvedModel, asking: Asking): Promise<InferAnswer> {
    const { resident, predictions, version } = found;
    const { requestId, startedMs, asker } = asking;
    const { generation } = resident;
    const request = parseInferRequest(
      readInferBody(asking.body, asking.headerLength),
      version.contract,
    );
    const customer = asking.customer ?? request.customer;
    const id = request.id ?? requestId;
    let outputs: readonly Tensor[] = [];
    let batchRows: number | null = null;
    let error: string | null = null;
    try {
      ({ outputs, batchRows } = await version.infer({
        inputs: request.inputs,
        rows: request.rows,
        asker,
        customer: customer ?? '',
        deadlineMs: startedMs + this.#options.requestTimeoutMs,
      }));
      const { digest, version: number } = version;
      const about = { id, model: resident.model, version: number, digest, generation };
      return await writeAnswer(about, request, outputs, this.#turns);
    } catch (failed) {
      error = answerErrorOf(failed).type;
      throw failed;
    } finally {
      predictions.add({
        inputs: request.inputs,
        rows: request.rows,
        outputs,
        batchRows,
        customer,
        error,
        requestId: id,
        at: new Date(),
        version: version.version,
        digest: version.digest,
        artifact: version.options.artifact,
        latencyMs: Math.round((performance.now() - startedMs) * 1000) / 1000,
      });
    }
  }
}

function aboutVersion({ resident, version }: ResolvedModel) {
  return { model: resident.model, version: version.version, digest: shortDigest(version.digest) };
}
