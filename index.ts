/**
 * What a program imports to describe a model and to carry it through its life.
 *
 * @packageDocumentation
 */

// Describe a model and what its names stand for: switchyard.config.ts.
export { defineModel, defineProject, type ProjectInput } from './domain/project.js';
export type { ModelSpec, ModelSpecInput, ParameterValue, TimeCut } from './domain/spec.js';

// Start, decide, ask, fall back.
export { connectClient, type ConnectedClient } from './client/connect.js';
export { Switchyard, type StartedLifecycle } from './client/switchyard.js';
export { readKeyFile } from './client/signing/key-file.js';
export {
  newSigningKey,
  publicKeyOf,
  signDecision,
  signStart,
  type PublicKey,
  type SigningKey,
} from './client/signing/signing-key.js';
export { fallBackDirectly, type DirectFallback } from './client/direct-fallback.js';
export type { FollowUpRow, WhichFollowUps } from './client/follow-ups.js';
export type { Decision, DecisionInput, RecordedDecision } from './domain/decision.js';
export type { Closed, CloseOrder, FollowUp, FollowUpState } from './domain/follow-up.js';
export type { Finding } from './domain/gate.js';
export type {
  Candidate,
  LifecycleOutcome,
  LifecycleRequest,
  LifecycleStatus,
  SnapshotRef,
  Signing,
  Staged,
  Tested,
  ToSign,
} from './domain/lifecycle.js';
export type { ApprovalPolicy } from './domain/signing/policy.js';
export type { LiveChangeResult } from './domain/live-state.js';
export type { FallbackOrder } from './workflows/messages.js';

// Where rows come from.
export {
  CSV_HELD_OUT_FROM,
  csvSource,
  type CsvSourceOptions,
} from './adapters/sources/csv-source.js';
export { rowsSource, type ReadRows } from './adapters/sources/rows-source.js';
export type { DatasetSource, DefaultCuts, Row, Snapshots } from './domain/ports/dataset-source.js';

// What gates measure, beside what is built in.
export type {
  MeasureMetric,
  MetricGiven,
  MetricMeasured,
  ProjectMetric,
  PredictedRow,
} from './domain/project-metric.js';

// Who trains, and where models serve, beside what comes with the package.
export type {
  ConvertJob,
  TrainJob,
  Trainer,
  TrainerEvent,
  TrainerIdentity,
  TrainerResult,
} from './domain/ports/trainer.js';
export type { Serving, Target } from './domain/ports/target.js';

// What activities and endpoints stand on: ports, for stores, runtimes and notifiers of one's own.
export type {
  ListedObject,
  ObjectStore,
  StoredObject,
  WriteCondition,
  WriteResult,
} from './domain/ports/object-store.js';
export type {
  LiveReading,
  RegisteredVersion,
  Registry,
  ReplicaReport,
} from './domain/ports/registry.js';
export type {
  InferResult,
  ModelRuntime,
  OpenedModel,
  OpenModel,
  Tensor,
  TensorData,
} from './domain/ports/model-runtime.js';
export type { LivePointer } from './domain/ports/live-pointer.js';
export type { Notice, Notifier } from './domain/ports/notifier.js';
export type { Manifest } from './domain/manifest.js';
export type { Meter } from './domain/worker-metrics.js';

// What can go wrong, by type.
export { FAILURES, isPortError, PortError, type FailureType } from './domain/failures.js';
