import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/index.js';
import type { LifecycleRequest } from '../../domain/lifecycle.js';

/** A careless change: something is done before the specification is resolved. */
export async function modelLifecycle({ model }: LifecycleRequest): Promise<void> {
  const { notify } = proxyActivities<Activities>({ startToCloseTimeout: '1 minute' });
  await notify({ kind: 'outcome', model, workflowId: '', roles: [], text: 'it begins' });
}
