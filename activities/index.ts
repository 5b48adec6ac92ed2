/**
 * The work of every stage, on ports.
 *
 * @packageDocumentation
 */
import { createConvertActivities, type ConvertPorts } from './convert.js';
import { createDeployActivities, type DeployPorts } from './deploy.js';
import { createFollowUpActivities, type FollowUpPorts } from './follow-up.js';
import { createJournalActivities, type JournalPorts } from './journal.js';
import { createMonitorActivities, type MonitorPorts } from './monitor.js';
import { createReconcileActivities, type ReconcilePorts } from './reconcile.js';
import { createResolveActivities, type ResolvePorts } from './resolve.js';
import { createRetrainActivities, type RetrainPorts } from './retrain.js';
import { createTestActivities, type TestPorts } from './test.js';

export type { Converted, ConvertPorts } from './convert.js';
export type { DeployPorts } from './deploy.js';
export type { FollowUpPorts } from './follow-up.js';
export type { JournalPorts } from './journal.js';
export type { Gone, MonitorPorts, Planned } from './monitor.js';
export type { JoinedLabels } from './monitor-labels.js';
export type { Models, ResolvePorts } from './resolve.js';
export type { ReconcilePorts, SweptOrphans } from './reconcile.js';
export type { RetrainPorts } from './retrain.js';
export type { TestPorts } from './test.js';
export type { ProjectMetrics } from './measure-own.js';
export type { Journal } from '../domain/ports/journal.js';
export type { JournalEntry } from '../domain/journal.js';
export type { JournalHead } from '../domain/journal-head.js';
export type { TrustSource } from '../domain/ports/trust.js';
export type { Span } from '../domain/monitor/window-tally.js';
export type { JudgedRow } from '../domain/monitor/step.js';
export type {
  LabelBatch,
  LabelStore,
  ListedWindow,
  MonitorActions,
  PredictionBatch,
  PredictionReader,
  StartedByMonitor,
  WindowStore,
} from '../domain/ports/monitoring.js';

/** What activities reach the world through. */
export type ActivityPorts = RetrainPorts &
  ConvertPorts &
  TestPorts &
  DeployPorts &
  FollowUpPorts &
  JournalPorts &
  MonitorPorts &
  ReconcilePorts &
  ResolvePorts;

/** Every activity, on its ports; the worker registers them on each queue that runs them. */
export function createActivities(ports: ActivityPorts) {
  return {
    ...createResolveActivities(ports),
    ...createRetrainActivities(ports),
    ...createConvertActivities(ports),
    ...createTestActivities(ports),
    ...createDeployActivities(ports),
    ...createFollowUpActivities(ports),
    ...createJournalActivities(ports),
    ...createMonitorActivities(ports),
    ...createReconcileActivities(ports),
  };
}

/** Every activity by its name. */
export type Activities = ReturnType<typeof createActivities>;
