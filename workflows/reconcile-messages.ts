/** The workflow's type name, as its schedule, the web UI and `client/` start it. */
export const RECONCILE_TYPE = 'reconcile';

/** The Temporal Schedule of a task queue's reconciler: installations that share a namespace each have their own. */
export function reconcileScheduleId(taskQueue: string): string {
  return `reconcile/${taskQueue}`;
}
