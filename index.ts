/**
 * What a program imports to describe a model and to carry it through its life.
 *
 * @packageDocumentation
 */

// Describe a model and what its names stand for: switchyard.config.ts.
export { defineModel, defineProject, type ProjectInput } from './domain/project.js';
export type { ModelSpec, ModelSpecInput, TimeCut } from './domain/spec.js';

// Start, decide, ask, fall back.
export { connectClient, type ConnectedClient } from './client/connect.js';
export { Switchyard, type StartedLifecycle } from './client/switchyard.js';
export type { DecisionInput } from './domain/decision.js';
export type { LifecycleOutcome, LifecycleRequest, LifecycleStatus } from './domain/lifecycle.js';
export type { LiveChangeResult } from './domain/live-state.js';
export type { FallbackOrder } from './workflows/messages.js';

// Where rows come from.
export {
  CSV_HELD_OUT_FROM,
  csvSource,
  type CsvSourceOptions,
} from './adapters/sources/csv-source.js';
export { rowsSource, type ReadRows } from './adapters/sources/rows-source.js';
export type { DatasetSource, DefaultCuts, Row } from './domain/ports/dataset-source.js';

// What gates measure, beside what is built in.
export type {
  MeasureMetric,
  MetricGiven,
  MetricMeasured,
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

// What can go wrong, by type.
export { FAILURES, isPortError, PortError, type FailureType } from './domain/failures.js';
