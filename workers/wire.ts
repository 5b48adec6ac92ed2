import { join, resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { createActivities, type Activities } from '../activities/index.js';
import { ChildModelRuntime } from '../adapters/model-runtime/child-model-runtime.js';
import { CommandNotifier } from '../adapters/notifier/command-notifier.js';
import { LabelFiles } from '../adapters/monitoring/label-files.js';
import { PredictionLogReader } from '../adapters/monitoring/prediction-log-reader.js';
import { WindowFiles } from '../adapters/monitoring/window-files.js';
import { LogNotifier } from '../adapters/notifier/log-notifier.js';
import { WebhookNotifier } from '../adapters/notifier/webhook-notifier.js';
import { JournalFiles } from '../adapters/registry/journal-files.js';
import { ObjectRegistry } from '../adapters/registry/object-registry.js';
import { RegistryWatch } from '../adapters/registry/registry-watch.js';
import { ObjectSnapshots } from '../adapters/snapshots/object-snapshots.js';
import { createNamedTrainers } from '../adapters/trainer/named-trainers.js';
import { createSubprocessTrainer } from '../adapters/trainer/subprocess-trainer.js';
import { trainerProject } from '../adapters/trainer/trainer-project.js';
import { TemporalFollowUps } from '../client/follow-ups.js';
import { TemporalLivePointer } from '../client/live-pointer.js';
import { TemporalMonitorActions } from '../client/monitor-actions.js';
import { TemporalRuns } from '../client/reconciler.js';
import type { Notifier } from '../domain/ports/notifier.js';
import type { ObjectStore } from '../domain/ports/object-store.js';
import type { Trainer } from '../domain/ports/trainer.js';
import { NO_TRUST, type TrustSource } from '../domain/ports/trust.js';
import { NO_SEALER, type Sealer } from '../domain/ports/sealer.js';
import type { Meter } from '../domain/worker-metrics.js';
import { NO_FAILPOINTS, type Failpoints } from './failpoints.js';
import { MeasuredTrainer } from './measured-trainer.js';
import type { Project } from './project.js';

/** The one place where ports meet their adapters. */
export function wireActivities(given: {
  project: Project;
  store: ObjectStore;
  client: Client;
  taskQueue: string;
  workDir: string;
  log: Logger;
  /** Whom it trusts; nobody is asked to sign where left out. */
  trust?: TrustSource;
  /** How it seals `live.json`; nobody does where left out. */
  sealer?: Sealer;
  /** Where trainers' runs are counted; nowhere, where left out. */
  meter?: Meter;
  /** Where they break on purpose; nowhere, where left out. */
  failpoints?: Failpoints;
}): Activities {
  const { project, client, taskQueue, log, trust = NO_TRUST, sealer = NO_SEALER } = given;
  const { failpoints = NO_FAILPOINTS } = given;
  const store = failpoints.armedStore(given.store);
  const ports = {
    models: project.models,
    registry: new ObjectRegistry(store, { sealer }),
    snapshots: new ObjectSnapshots(store, project.sources),
    trainer: given.meter
      ? new MeasuredTrainer(wireTrainer(project), given.meter)
      : wireTrainer(project),
    runtime: new ChildModelRuntime(),
    followUps: new TemporalFollowUps({ client, taskQueue }),
    livePointer: new TemporalLivePointer({ client, taskQueue }),
    predictions: new PredictionLogReader(store),
    windows: new WindowFiles(store),
    labels: new LabelFiles(store),
    monitorActions: new TemporalMonitorActions({ client, taskQueue }),
    bucketWatch: new RegistryWatch(store),
    runWatch: new TemporalRuns({ client, taskQueue }),
    journal: new JournalFiles(store, { sealer, trust }),
    notifier: wireNotifier(project, log),
    trust,
    targets: project.targets,
    metrics: project.metrics,
    workRoot: join(given.workDir, 'attempts'),
  };
  return createActivities(failpoints.armedPorts(ports));
}

/** The project's trainers: locked Python projects, by absolute paths, and objects of its own. */
export function wireTrainer({ root, trainers }: Project): Trainer {
  const own: Record<string, Trainer> = {};
  const scripts: Record<string, { project: string; script: string }> = {};
  for (const [name, entry] of Object.entries(trainers)) {
    if ('run' in entry) {
      own[name] = entry;
    } else {
      scripts[name] = {
        project: trainerProject(root, entry.project),
        script: resolve(root, entry.script),
      };
    }
  }
  return createNamedTrainers(own, createSubprocessTrainer({ trainers: scripts }));
}

function wireNotifier({ notify }: Project, log: Logger): Notifier {
  if (notify === undefined) return new LogNotifier((notice) => log.info(notice, 'notice'));
  if ('webhook' in notify) return new WebhookNotifier(notify.webhook);
  return new CommandNotifier(notify.command);
}
