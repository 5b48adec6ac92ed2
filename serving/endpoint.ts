import { randomUUID } from 'node:crypto';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Tensor } from '../domain/ports/model-runtime.js';
import { AnswerError, answerErrorOf } from './answer-error.js';
import { dataJson, parseInferRequest } from './infer-request.js';
import type { InferRequest } from './infer-request.js';
import type { LoadedVersion } from './loaded-version.js';
import type { Log } from './log.js';
import type { PredictionLog } from './prediction-log.js';
import type { ResidentModel } from './resident-model.js';

/** A model as the endpoint offers it. */
export interface OfferedModel {
  readonly resident: ResidentModel;
  readonly predictions: PredictionLog;
}

export interface EndpointOptions {
  readonly models: ReadonlyMap<string, OfferedModel>;
  readonly bodyLimitBytes: number;
  /** Requests at work or waiting at most; more are refused at once, so that the queue's time stays bounded. */
  readonly maxWaiting: number;
  readonly serverVersion: string;
  readonly log: Log;
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
]);

interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

/**
 * The Open Inference Protocol v2 over HTTP (REST, JSON): health, metadata and inference. Every answer names the digest that
 * gave it; errors are `{ error, type }` with one sentence.
 */
export function createEndpoint(options: EndpointOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: 30_000,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    genReqId: () => randomUUID(),
  });
  // any content type is taken for JSON: `curl -d` names another
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      const parsed: unknown = JSON.parse(String(body));
      done(null, parsed);
    } catch (error) {
      done(new AnswerError(400, 'InvalidInput', `the body is no JSON: ${messageOf(error)}`));
    }
  });
  app.setErrorHandler((error, _request, reply) => {
    const answer = httpErrorOf(error, options.bodyLimitBytes);
    if (!EXPECTED.has(answer.type))
      options.log.error({ err: error, type: answer.type }, answer.message);
    if (answer.status === 413) void reply.header('connection', 'close');
    void reply.code(answer.status).send({ error: answer.message, type: answer.type });
  });
  app.setNotFoundHandler((request) => {
    throw new AnswerError(
      404,
      'NotFound',
      `there is no ${request.method} ${request.url.slice(0, 200)}`,
    );
  });
  addHealth(app, options);
  addModels(app, options);
  addInference(app, options);
  return app;
}

function addHealth(app: FastifyInstance, { models, serverVersion }: EndpointOptions): void {
  app.get('/v2', () => ({ name: 'switchyard', version: serverVersion, extensions: [] }));
  app.get('/v2/health/live', () => ({ live: true }));
  app.get('/v2/health/ready', async (_request, reply) => {
    const ready = [...models.values()].every(({ resident }) => isReady(resident.current));
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

function addInference(app: FastifyInstance, options: EndpointOptions): void {
  let waiting = 0;
  const infer = async (params: ModelParams, body: unknown, requestId: string): Promise<string> => {
    const { resident, predictions, version } = resolve(options.models, params);
    const generation = resident.status.generation;
    if (waiting >= options.maxWaiting) {
      throw new AnswerError(503, 'Overloaded', `${waiting} requests wait already; try again`);
    }
    waiting++;
    const startedMs = performance.now();
    let request: InferRequest | null = null;
    let outputs: readonly Tensor[] = [];
    let failure: AnswerError | null = null;
    try {
      request = parseInferRequest(body, version.contract);
      ({ outputs } = await version.infer(request.inputs));
      return answerJson({
        request,
        requestId,
        model: resident.model,
        version,
        generation,
        outputs,
      });
    } catch (error) {
      failure = answerErrorOf(error);
      throw failure;
    } finally {
      waiting--;
      if (request) {
        predictions.add({
          ...request,
          requestId: request.id ?? requestId,
          at: new Date(),
          version: version.version,
          digest: version.digest,
          outputs,
          latencyMs: Math.round((performance.now() - startedMs) * 1000) / 1000,
          error: failure?.type ?? null,
        });
      }
    }
  };
  for (const path of ['/v2/models/:model/infer', '/v2/models/:model/versions/:version/infer']) {
    app.post<{ Params: ModelParams }>(path, async ({ params, body, id }, reply) => {
      const answer = await infer(params, body, id);
      return reply.header('content-type', 'application/json; charset=utf-8').send(answer);
    });
  }
}

function isReady(version: LoadedVersion | null): boolean {
  return version?.isOpen ?? false;
}

function offered(models: EndpointOptions['models'], model: string): OfferedModel {
  const found = models.get(model);
  if (found) return found;
  throw new AnswerError(404, 'UnknownModel', `there is no model "${model.slice(0, 100)}" here`);
}

/** The version that a request gets and keeps: the live one, or the open one that it names by number. */
function resolve(
  models: EndpointOptions['models'],
  params: ModelParams,
): OfferedModel & { version: LoadedVersion } {
  const { resident, predictions } = offered(models, params.model);
  const { current } = resident;
  if (params.version !== undefined) {
    const version = resident.versions.find((open) => String(open.version) === params.version);
    if (version) return { resident, predictions, version };
    throw new AnswerError(
      404,
      'UnknownVersion',
      `version "${params.version.slice(0, 20)}" of "${resident.model}" is not served here, only ` +
        (resident.versions.map((open) => open.version).join(', ') || 'none'),
    );
  }
  if (current) return { resident, predictions, version: current };
  const { problem } = resident.status;
  throw new AnswerError(
    503,
    'NotReady',
    `"${resident.model}" serves nothing: ${problem ?? 'no version is live'}`,
  );
}

function answerJson(given: {
  request: InferRequest;
  requestId: string;
  model: string;
  version: LoadedVersion;
  generation: number;
  outputs: readonly Tensor[];
}): string {
  const { request, requestId, model, version, generation, outputs } = given;
  const wanted = request.outputs;
  const shown = outputs
    .filter(({ name }) => wanted === null || wanted.includes(name))
    .map(
      ({ name, datatype, shape, data }) =>
        `{"name":"${name}","datatype":"${datatype}","shape":[${shape.join(',')}],"data":${dataJson(data, datatype)}}`,
    );
  const id = JSON.stringify(request.id ?? requestId);
  return (
    `{"model_name":"${model}","model_version":"${version.version}","id":${id},` +
    `"parameters":{"digest":"${version.digest}","generation":${generation}},"outputs":[${shown.join(',')}]}`
  );
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
    return new AnswerError(status, 'InvalidInput', messageOf(error));
  }
  return answerErrorOf(error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
