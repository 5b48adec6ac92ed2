import { createConvertActivities, type ConvertPorts } from './convert.js';
import { createDeployActivities, type DeployPorts } from './deploy.js';
import { createMonitorActivities, type MonitorPorts } from './monitor.js';
import { createResolveActivities, type Models } from './resolve.js';
import { createRetrainActivities, type RetrainPorts } from './retrain.js';
import { createTestActivities, type TestPorts } from './test.js';

export type ActivityPorts = RetrainPorts &
  ConvertPorts &
  TestPorts &
  DeployPorts &
  MonitorPorts & { readonly models: Models };

/** Every activity, on its ports; the worker registers them on each queue that runs them. */
export function createActivities(ports: ActivityPorts) {
  return {
    ...createResolveActivities(ports),
    ...createRetrainActivities(ports),
    ...createConvertActivities(ports),
    ...createTestActivities(ports),
    ...createDeployActivities(ports),
    ...createMonitorActivities(ports),
  };
}

export type Activities = ReturnType<typeof createActivities>;
