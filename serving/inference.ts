import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { shortDigest } from '../domain/names.js';
import type { Tensor } from '../domain/ports/model-runtime.js';
import { AnswerError, answerErrorOf, badRequest } from './answer-error.js';
import { whyUnwanted } from './batching/waiting-request.js';
import { writeAnswer, type InferAnswer } from './infer-answer.js';
import { HEADER_LENGTH, NO_BYTES, readInferBody } from './infer-body.js';
import { parseInferRequest, type InferRequest } from './infer-request.js';
import {
  IncomingBodies,
  LARGE_BODY_BYTES,
  type HeldBody,
  type IncomingBodiesLimits,
} from './incoming-bodies.js';
import type { LoadedVersion } from './loaded-version.js';
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

export interface InferenceOptions extends IncomingBodiesLimits {
  readonly models: OfferedModels;
  /** From the end of the request's body to the begin of its last rows, in milliseconds; what waits for longer is not begun. */
  readonly requestTimeoutMs: number;
  readonly metrics: ServingMetrics;
  readonly log: Log;
}

/** A request on its way. */
interface Asking {
  readonly params: ModelParams;
  /** Empty once it is parsed: it is larger than its numbers. */
  body: Buffer;
  readonly headerLength: string | undefined;
  /** As a token or a header names it; a parameter of the body may name it where neither does. */
  readonly customer: string | null;
  readonly requestId: string;
  readonly startedMs: number;
  readonly asker: Asker;
  readonly held: HeldBody | null;
}

type InferRoute = { Params: ModelParams; Body: Buffer | undefined };

/** The routes that infer. */
export function addInference(app: FastifyInstance, options: InferenceOptions): void {
  const inference = new Inference(options);
  app.decorateRequest('heldBody', null);
  app.addHook('preClose', (done) => {
    inference.isEnding = true;
    done();
  });
  for (const path of ['/v2/models/:model/infer', '/v2/models/:model/versions/:version/infer']) {
    app.post<InferRoute>(path, {
      // before the body is read: who finds no place must learn it at once, and cost nothing
      onRequest: (request, _reply, done) => done(inference.admit(request) ?? undefined),
      handler: (request, reply) => inference.answer(request, reply),
    });
  }
}

/** As the token says, or the header where it says nothing. */
function customerOf({ caller, headers }: FastifyRequest<InferRoute>): string | null {
  if (caller?.customer !== undefined) return caller.customer;
  const named = headers[CUSTOMER_HEADER];
  if (typeof named !== 'string' || named === '') return null;
  if (named.length > 200) throw badRequest(`${CUSTOMER_HEADER} is over 200 characters`);
  if (PRINTABLE_ASCII.test(named)) return named;
  throw badRequest(
    `${CUSTOMER_HEADER} has more than printable ASCII: name this customer by the parameter "customer" of the body`,
  );
}

/** Beyond it senders and receivers of headers read bytes as different letters. */
const PRINTABLE_ASCII = /^[ -~]*$/;

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
  readonly #bodies: IncomingBodies;
  /** Connections are closed with their answers by then, and nothing new is begun. */
  isEnding = false;

  constructor(options: InferenceOptions) {
    this.#options = options;
    this.#bodies = new IncomingBodies(options);
  }

  /** Why a request is not to be read; null: it is, and its body counts from now on. */
  admit(request: FastifyRequest<InferRoute>): AnswerError | null {
    const { models, metrics } = this.#options;
    let found: ResolvedModel | null = null;
    let refusal: AnswerError | null;
    try {
      if (this.isEnding) throw new AnswerError(503, 'NotReady', 'this endpoint ends');
      found = resolve(models, request.params);
      const customer = customerOf(request) ?? '';
      refusal = found.version.refusal(customer) ?? this.#bodies.hold(request, customer);
    } catch (error) {
      refusal = answerErrorOf(error);
    }
    if (refusal) metrics.answered(found ?? knownModel(models, request), refusal.status, null);
    return refusal;
  }

  async answer(request: FastifyRequest<InferRoute>, reply: FastifyReply): Promise<FastifyReply> {
    const header = request.headers[HEADER_LENGTH];
    const { json, bytes } = await this.#counted({
      params: request.params,
      body: takenBody(request),
      requestId: request.id,
      asker: new Asker(request.raw.socket),
      headerLength: typeof header === 'string' ? header : undefined,
      customer: customerOf(request),
      startedMs: performance.now(),
      held: request.heldBody,
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
    if (asking.held) asking.held.isTaken = true;
    metrics.inFlight += 1;
    try {
      const isLarge = asking.body.byteLength > LARGE_BODY_BYTES;
      // before a version is chosen: it could be closed meanwhile
      if (isLarge) await this.#turns.next();
      found = resolve(models, asking.params);
      if (isLarge) this.#requireWanted(found, asking);
      return await this.#inferOn(found, asking);
    } catch (error) {
      failure = answerErrorOf(error);
      throw failure;
    } finally {
      asking.held?.release();
      metrics.inFlight -= 1;
      const status = failure?.status ?? 200;
      const elapsedMs = performance.now() - asking.startedMs;
      metrics.answered(found ?? knownModel(models, asking), status, elapsedMs);
      if (log.isLevelEnabled?.('debug') !== false) {
        const { requestId } = asking;
        const about = { ...(found && aboutVersion(found)), requestId, status, elapsedMs };
        log.debug(about, failure?.type ?? 'answered');
      }
    }
  }

  /** Not parsed, where it would not be run: much may have come since its head did. */
  #requireWanted({ version }: ResolvedModel, { asker, startedMs, customer }: Asking): void {
    const deadlineMs = startedMs + this.#options.requestTimeoutMs;
    const refusal = whyUnwanted({ asker, deadlineMs }) ?? version.refusal(customer ?? '');
    if (refusal) throw refusal;
  }

  /** Answers by one version; what was asked and answered goes to the prediction log. */
  async #inferOn(found: ResolvedModel, asking: Asking): Promise<InferAnswer> {
    const { resident, predictions, version } = found;
    const { requestId, startedMs, asker } = asking;
    const { generation } = resident;
    const request = takenRequest(asking, version);
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

/** Nothing else holds it from now on. */
function takenBody(request: FastifyRequest<InferRoute>): Buffer {
  const body = request.body ?? NO_BYTES;
  request.body = undefined;
  return body;
}

/** Its inputs count in the queue from now on, and its body is let go: as JSON it is several times as large. */
function takenRequest(asking: Asking, { contract }: LoadedVersion): InferRequest {
  const request = parseInferRequest(readInferBody(asking.body, asking.headerLength), contract);
  asking.body = NO_BYTES;
  asking.held?.release();
  return request;
}

/** The model that a request names, where no version of it was found. */
function knownModel(models: OfferedModels, { params }: { readonly params: ModelParams }) {
  return models.get(params.model) ?? null;
}

function aboutVersion({ resident, version }: ResolvedModel) {
  return { model: resident.model, version: version.version, digest: shortDigest(version.digest) };
}
