import { AnswerError } from './answer-error.js';
import type { LoadedVersion } from './loaded-version.js';
import {
  PREDICTION_LOG_DEFAULTS,
  PredictionLog,
  type PredictionLogOptions,
} from './prediction-log.js';
import { ResidentModel, type ResidentModelOptions } from './resident-model.js';

/** A model as the endpoint offers it. */
export interface OfferedModel {
  readonly resident: ResidentModel;
  readonly predictions: PredictionLog;
}

export type OfferOptions = Omit<ResidentModelOptions, 'model'> &
  Pick<PredictionLogOptions, 'registry' | 'replica'> & {
    /** Writes the inputs into the prediction log instead of their sha256. */
    readonly logsInputs: boolean;
  };

/** Begins with `resident.catchUp()`. */
export function offer(model: string, options: OfferOptions): OfferedModel {
  const { registry, replica, log, logsInputs } = options;
  return {
    resident: new ResidentModel({ ...options, model }),
    predictions: new PredictionLog({
      ...PREDICTION_LOG_DEFAULTS,
      ...{ registry, model, replica, log, includesInputs: logsInputs },
    }),
  };
}

/** After the last answers, the rest of the prediction log is written. */
export async function withdraw({ resident, predictions }: OfferedModel): Promise<void> {
  await resident.stop();
  await predictions.stop();
}

export type OfferedModels = ReadonlyMap<string, OfferedModel>;

/** A model, and the version that a request gets. */
export interface ResolvedModel extends OfferedModel {
  readonly version: LoadedVersion;
}

/** What a request's path names. */
export interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

/** @throws AnswerError 404 `UnknownModel`. */
export function offered(models: OfferedModels, model: string): OfferedModel {
  const found = models.get(model);
  if (found) return found;
  throw new AnswerError(404, 'UnknownModel', `there is no model "${model.slice(0, 100)}" here`);
}

/**
 * The version that a request gets and keeps: the live one, or the open one that it names by number.
 * @throws AnswerError 404 `UnknownVersion`, or 503 `NotReady` where nothing is live.
 */
export function resolve(models: OfferedModels, params: ModelParams): ResolvedModel {
  const { resident, predictions } = offered(models, params.model);
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
  return { resident, predictions, version: currentOf(resident) };
}

/** The live version. @throws AnswerError 503 `NotReady` where nothing is live. */
export function currentOf({ current, status, model }: ResidentModel): LoadedVersion {
  if (current) return current;
  const why = status.problem ?? 'no version is live';
  throw new AnswerError(503, 'NotReady', `"${model}" serves nothing: ${why}`);
}
