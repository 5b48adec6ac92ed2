import {
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../../activities/index.js';
import type { Decision, RecordedDecision } from '../../../domain/decision.js';

export { liveModel } from '../../../workflows/live-model.js';

/**
 * The same way from retrain to live, as one writes it by hand against Temporal alone: the same activities in the same order and
 * the same messages, but no validation, no undo, no deadlines, no ends other than this one.
 */
export async function handWritten({ model }: { model: string }): Promise<{ outcome: 'live' }> {
  const decisions: RecordedDecision[] = [];
  const take = (decision: Decision) => {
    decisions.push({ ...decision, at: new Date().toISOString() });
  };
  setHandler(defineUpdate<{ taken: number }, [Decision]>('decide'), (decision) => {
    take(decision);
    return { taken: decisions.length };
  });
  setHandler(defineSignal<[Decision]>('approve'), take);

  const { taskQueue, workflowId, firstExecutionRunId: run } = workflowInfo();
  const startToCloseTimeout = '10 minutes';
  const near = proxyActivities<Activities>({ startToCloseTimeout });
  const train = proxyActivities<Activities>({
    startToCloseTimeout,
    taskQueue: `${taskQueue}-train`,
  });
  const test = proxyActivities<Activities>({ startToCloseTimeout, taskQueue: `${taskQueue}-test` });

  const { spec } = await near.resolveSpec({ request: { model } });
  const snapshots = await near.takeSnapshots({ spec });
  const trained = await train.trainModel({ spec, train: snapshots.train, run });
  const converted = await train.convertToOnnx({ spec, snapshots, trained, run });
  if (converted.kind === 'parity-missed') throw new Error('the answers differ');
  const { staged } = converted;
  const candidate = await near.publishVersion({ spec, snapshots, trained, run, converted: staged });
  const input = { spec, candidate, heldOut: snapshots.heldOut, run, round: 1 };
  const [system, quality] = await Promise.all([
    test.measureSystem(input),
    test.measureQuality(input),
  ]);
  const { baseline } = quality;
  const tested = await near.assembleEvidence({
    ...input,
    system,
    quality: quality.staged,
    baseline,
  });
  for (const role of tested.roles) {
    const text = `${role}: version ${candidate.version} of "${model}" waits for your decision`;
    await near.notify({ kind: 'hand-off', model, workflowId, roles: [role], text });
    await condition(() => decisions.some((each) => each.role === role));
  }
  const { generation } = await near.promoteVersion({
    ...{ model, candidate, evidence: tested.evidence, decisions, baseline },
    requestId: `${run}/promote`,
  });
  const { digest } = candidate;
  await near.awaitServing({ model, digest, generation, ...spec.deploy });
  await near.sweepStaging({ run });
  return { outcome: 'live' };
}
