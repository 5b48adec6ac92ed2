import type { FastifyInstance } from 'fastify';
import { shortDigest } from '../domain/names.js';
import type { Tensor } from '../domain/ports/model-runtime.js';
import { AnswerError, answerErrorOf } from './answer-error.js';
import { dataJson, parseInferRequest, type InferRequest } from './infer-request.js';
import type { LoadedVersion } from './loaded-version.js';
import type { Log } from './log.js';
import {
  resolve,
  type ModelParams,
  type OfferedModel,
  type OfferedModels,
} from './offered-models.js';
import type { ServingMetrics } from './serving-metrics.js';

export interface InferenceOptions {
  readonly models: OfferedModels;
  /** Requests at work or waiting at most; more are refused at once, so that the queue's time stays bounded. */
  readonly maxWaiting: number;
  readonly metrics: ServingMetrics;
  readonly log: Log;
}

/** The routes that infer. */
export function addInference(app: FastifyInstance, options: InferenceOptions): void {
  const { models, metrics, maxWaiting } = options;
  const infer = async (params: ModelParams, body: unknown, requestId: string): Promise<string> => {
    const startedMs = performance.now();
    let found: ReturnType<typeof resolve> | null = null;
    let failure: AnswerError | null = null;
    metrics.inFlight += 1;
    try {
      found = resolve(models, params);
      if (metrics.inFlight > maxWaiting) {
        const waiting = metrics.inFlight - 1;
        throw new AnswerError(503, 'Overloaded', `${waiting} requests wait already; try again`);
      }
      return await inferOn(found, { body, requestId, startedMs });
    } catch (error) {
      failure = answerErrorOf(error);
      throw failure;
    } finally {
      metrics.inFlight -= 1;
      const status = failure?.status ?? 200;
      const elapsedMs = performance.now() - startedMs;
      metrics.answered(found, status, elapsedMs);
      options.log.debug(
        {
          ...(found && aboutVersion(found)),
          ...{ requestId, status, elapsedMs: Math.round(elapsedMs * 1_000) / 1_000 },
        },
        failure?.type ?? 'answered',
      );
    }
  };
  for (const path of ['/v2/models/:model/infer', '/v2/models/:model/versions/:version/infer']) {
    app.post<{ Params: ModelParams }>(path, async ({ params, body, id }, reply) => {
      const answer = await infer(params, body, id);
      return reply.header('content-type', 'application/json; charset=utf-8').send(answer);
    });
  }
}

function aboutVersion({
  resident,
  version,
}: {
  resident: { model: string };
  version: LoadedVersion;
}) {
  return { model: resident.model, version: version.version, digest: shortDigest(version.digest) };
}

/** Answers by one version; what was asked and answered goes to the prediction log. */
async function inferOn(
  { resident, predictions, version }: OfferedModel & { version: LoadedVersion },
  given: { body: unknown; requestId: string; startedMs: number },
): Promise<string> {
  const { body, requestId, startedMs } = given;
  const { generation } = resident.status;
  const request = parseInferRequest(body, version.contract);
  let outputs: readonly Tensor[] = [];
  let error: string | null = null;
  try {
    ({ outputs } = await version.infer(request.inputs));
    return answerJson({ request, requestId, model: resident.model, version, generation, outputs });
  } catch (failed) {
    error = answerErrorOf(failed).type;
    throw failed;
  } finally {
    predictions.add({
      ...request,
      requestId: request.id ?? requestId,
      at: new Date(),
      version: version.version,
      digest: version.digest,
      outputs,
      latencyMs: Math.round((performance.now() - startedMs) * 1000) / 1000,
      error,
    });
  }
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
