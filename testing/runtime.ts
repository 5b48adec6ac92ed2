import { DefaultLogger, Runtime } from '@temporalio/worker';

let installed = false;

/**
 * Once a process: errors only, for a test's own failures say more than retries after its servers have gone.
 * @param metrics - Where what workers count is shown (`127.0.0.1:9000`), by the first call of a process; nowhere where left out.
 */
export function installRuntime(metrics?: string): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: 'OFF', forward: {} },
      ...(metrics !== undefined && {
        metrics: { prometheus: { bindAddress: metrics, countersTotalSuffix: true } },
      }),
    },
  });
}
