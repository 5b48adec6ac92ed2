/**
 * A predictor in a program of your own, and an endpoint in a process of your own.
 *
 * @packageDocumentation
 */

export {
  startEndpoint,
  type RunningEndpoint,
  type ServingRegistry,
  type StartEndpointOptions,
} from './serve.js';
export { openPredictor, type OpenPredictorOptions } from './open-predictor.js';
export type { CallOptions, Prediction, Predictor, StreamOptions } from './predictor.js';
export type { PredictorRow, RowValue } from './predictor-rows.js';
export type { RowsAnswered } from './batching/waiting-request.js';
export { AnswerError, type AnswerErrorType } from './answer-error.js';
export type { Log } from './log.js';
export { followLive, type FollowingLive, type FollowLiveOptions } from './follow-live.js';
export { readEndpointEnvironment, type EndpointEnvironment } from './environment.js';

// What an endpoint serves from.
export {
  ChildModelRuntime,
  type ChildModelRuntimeOptions,
} from '../adapters/model-runtime/child-model-runtime.js';
export { S3ObjectStore } from '../adapters/object-store/s3-object-store.js';
export { ObjectRegistry } from '../adapters/registry/object-registry.js';
export { requiredTrust } from '../adapters/trust/trust-file.js';
export type { TrustSource } from '../domain/ports/trust.js';
export type { Trust } from '../domain/signing/trust.js';
