import type { Client } from '@temporalio/client';

/** How many events a run has, and how many of them are completed workflow tasks. */
export async function countHistory(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<{ tasks: number; events: number }> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  if (!events) throw new Error(`${workflowId} has no history`);
  const tasks = events.filter((event) => event.workflowTaskCompletedEventAttributes);
  return { tasks: tasks.length, events: events.length };
}
