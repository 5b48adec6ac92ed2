import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AnswerError, answerErrorOf } from './answer-error.js';
import { readInferBody } from './infer-body.js';
import { addInference, type InferenceOptions } from './inference.js';
import type { LoadedVersion } from './loaded-version.js';
import { offered, resolve, type ModelParams, type OfferedModel } from './offered-models.js';
import { addAuthorization, mayAsk, type Tokens } from './tokens.js';

export interface EndpointOptions extends InferenceOptions {
  readonly bodyLimitBytes: number;
  readonly serverVersion: string;
  /** Who may ask; null: whoever reaches it. */
  readonly tokens: Tokens | null;
  /** False before it has caught up with `live.json`, and once the process is to end: it answers, and is not ready. */
  readonly isServing: () => boolean;
}

/** Answers that say nothing of a fault here; a line each would let clients fill the log. */
const EXPECTED: ReadonlySet<AnswerError['type']> = new Set([
  'InvalidInput',
  'PayloadTooLarge',
  'UnknownModel',
  'UnknownVersion',
  'NotFound',
  'NotReady',
  'Overloaded',
  'TimedOut',
  'ClientGone',
  'Unauthorized',
  'Forbidden',
]);

/**
 * The Open Inference Protocol v2 over HTTP (REST, JSON): health, metadata and inference. Every answer names the digest that
 * gave it; errors are `{ error, type }` with one sentence.
 */
export function createEndpoint(options: EndpointOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: 30_000,
    return503OnClosing: false, // the routes that infer say it themselves
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    genReqId: () => randomUUID(),
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, options),
    clientErrorHandler: answerNoRequest,
  });
  // any content type is taken for JSON: `curl -d` names another
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options));
  app.setNotFoundHandler((request) => {
    throw new AnswerError(
      404,
      'NotFound',
      `there is no ${request.method} ${request.url.slice(0, 200)}`,
    );
  });
  addAuthorization(app, options.tokens);
  addHealth(app, options);
  addModels(app, options);
  addRepository(app, options);
  addInference(app, options);
  return app;
}

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { bodyLimitBytes, log }: EndpointOptions,
): void {
  const answer = httpErrorOf(error, bodyLimitBytes);
  if (!EXPECTED.has(answer.type)) {
    log.error({ err: error, type: answer.type, requestId: request.id }, answer.message);
  }
  if (answer.status === 413) void reply.header('connection', 'close');
  if (answer.retryAfterSeconds !== null) {
    void reply.header('retry-after', String(answer.retryAfterSeconds));
  }
  void reply.code(answer.status).send({ error: answer.message, type: answer.type });
}

/** Answers what never became a request, as Node does, in our form of errors; a connection that was reset has nobody to be told. */
function answerNoRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, type, message] = NO_REQUEST[error.code ?? ''] ?? MALFORMED;
  if (socket.writable) {
    const body = JSON.stringify({ error: message, type });
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n` +
        `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}

type NoRequest = readonly [status: number, type: AnswerError['type'], message: string];

const MALFORMED: NoRequest = [400, 'InvalidInput', 'this is no HTTP request'];
const NO_REQUEST: Readonly<Record<string, NoRequest>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'TimedOut', 'the request did not come to its end in time'],
  HPE_HEADER_OVERFLOW: [431, 'InvalidInput', 'the headers are too long'],
};

function addHealth(app: FastifyInstance, options: EndpointOptions): void {
  const { models, metrics, serverVersion } = options;
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', metrics.contentType).send(await metrics.text()),
  );
  app.get('/v2', () => ({
    name: 'switchyard',
    version: serverVersion,
    extensions: ['binary_tensor_data', 'model_repository'],
  }));
  app.get('/v2/health/live', () => ({ live: true }));
  app.get('/v2/health/ready', async (_request, reply) => {
    const ready =
      options.isServing() &&
      [...models.values()].every(({ resident }) => isReady(resident.current));
    return reply.code(ready ? 200 : 503).send({ ready });
  });
}

function addModels(app: FastifyInstance, { models }: EndpointOptions): void {
  const metadata = (params: ModelParams): object => {
    const { resident, version } = resolve(models, params);
    const { inputs, outputs } = version.contract;
    return {
      name: resident.model,
      versions: resident.versions.map((open) => String(open.version)),
      platform: 'onnx_onnxruntime',
      inputs,
      outputs,
      parameters: { digest: version.digest, labels: version.contract.labels },
    };
  };
  app.get<{ Params: ModelParams }>('/v2/models/:model', ({ params }) => metadata(params));
  app.get<{ Params: ModelParams }>('/v2/models/:model/versions/:version', ({ params }) =>
    metadata(params),
  );
  for (const path of ['/v2/models/:model/ready', '/v2/models/:model/versions/:version/ready']) {
    app.get<{ Params: ModelParams }>(path, async ({ params }, reply) => {
      const { resident } = offered(models, params.model);
      const ready = isReady(resident.current) && isReady(resolve(models, params).version);
      return reply.code(ready ? 200 : 503).send({ name: resident.model, ready });
    });
  }
}

/** The protocol's model repository extension, to be read: what is loaded here says `live.json` alone. */
function addRepository(app: FastifyInstance, { models }: EndpointOptions): void {
  app.post<{ Body: Buffer | undefined }>('/v2/repository/index', ({ body, caller }) => {
    const onlyReady = wantsReady(body);
    return [...models.values()]
      .filter(({ resident }) => caller === null || mayAsk(caller, resident.model))
      .flatMap(({ resident }) => statesOf(resident))
      .filter(({ state }) => !onlyReady || state === 'READY');
  });
}

function statesOf({ model, versions, status }: OfferedModel['resident']) {
  const reason = status.problem ?? '';
  if (versions.length === 0) return [{ name: model, state: 'UNAVAILABLE', reason }];
  return versions.map((version) => ({
    name: model,
    version: String(version.version),
    state: isReady(version) ? 'READY' : 'UNAVAILABLE',
    reason: version === versions[0] ? reason : '',
  }));
}

function wantsReady(body: Buffer | undefined): boolean {
  if (body === undefined || body.byteLength === 0) return false;
  const { json } = readInferBody(body, undefined);
  return typeof json === 'object' && json !== null && 'ready' in json && json.ready === true;
}

function isReady(version: LoadedVersion | null): boolean {
  return version?.isOpen ?? false;
}

function httpErrorOf(error: unknown, bodyLimitBytes: number): AnswerError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new AnswerError(
      413,
      'PayloadTooLarge',
      `the body is over the limit of ${bodyLimitBytes} bytes`,
    );
  }
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (!(error instanceof AnswerError) && typeof status === 'number' && status < 500) {
    return new AnswerError(status, 'InvalidInput', messageOf(error).slice(0, MOST_SAID));
  }
  return answerErrorOf(error);
}

/** Characters of a message that may repeat what was sent. */
const MOST_SAID = 300;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
