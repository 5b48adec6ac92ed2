import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { HistoryAndWorkflowId } from '@temporalio/client';
import { searchAttributeTypes } from '../client/search-attributes.js';
import { requireBinary, serverBinary } from '../scripts/servers/binaries.js';
import { installRuntime } from './runtime.js';

/** A server whose clock jumps. */
export interface TimeSkippingServer extends AsyncDisposable {
  /** Its client skips time while somebody waits for a result; `sleep` skips that much. */
  readonly environment: TestWorkflowEnvironment;
  /** The history of every workflow that was started on a task queue. */
  readonly histories: (taskQueue: string) => AsyncIterable<HistoryAndWorkflowId>;
}

/**
 * Starts a Temporal server whose clock jumps to the next timer while somebody waits for a workflow's result, so that a deadline of
 * weeks takes milliseconds. It has no web UI and no schedules. For `startRig`, as `server`.
 * @throws PortError `SetUpMissing` where the server is not installed.
 */
export async function startTimeSkippingServer(): Promise<TimeSkippingServer> {
  installRuntime();
  const path = serverBinary('temporal-test-server');
  requireBinary(path);
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  const { connection, namespace = 'default' } = environment;
  const searchAttributes = searchAttributeTypes();
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  const histories = (taskQueue: string) => historiesOf(environment, taskQueue);
  return { environment, histories, [Symbol.asyncDispose]: () => environment.teardown() };
}

/** This server cannot search, so every workflow is looked at. */
async function* historiesOf(
  { client, connection, namespace }: TestWorkflowEnvironment,
  taskQueue: string,
) {
  const request = { namespace: namespace ?? 'default' };
  const lists = await Promise.all([
    connection.workflowService.listOpenWorkflowExecutions(request),
    connection.workflowService.listClosedWorkflowExecutions(request),
  ]);
  for (const each of lists.flatMap(({ executions }) => executions)) {
    const { workflowId, runId } = each.execution ?? {};
    if (!workflowId) continue;
    const history = await client.workflow.getHandle(workflowId, runId ?? undefined).fetchHistory();
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    if (started?.taskQueue?.name === taskQueue) yield { workflowId, history };
  }
}
