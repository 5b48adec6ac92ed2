import { DefaultLogger, Runtime } from '@temporalio/worker';

let installed = false;

/** Once a process: errors only, for a test's own failures say more than retries after its servers have gone. */
export function installRuntime(): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    shutdownSignals: [],
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
  });
}
