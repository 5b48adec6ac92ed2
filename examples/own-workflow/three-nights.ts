import type { Client } from '@temporalio/client';
import { Switchyard } from '../../client/switchyard.js';
import type { LifecycleOutcome } from '../../domain/lifecycle.js';
import { setTimeout as pause } from 'node:timers/promises';

const MODEL = 'nightly';
const MORNING = { by: 'ada@example.com', reason: 'the gates hold' };

/** What a night trains on: the third has a saboteur, who shuffles the labels. */
const NIGHTS = [
  { seed: 1 },
  { seed: 2 },
  { seed: 3, parameters: { shuffle_labels: true } },
] as const;

/** Runs three nights, one after the other, and yields what became of each. */
export async function* threeNights(given: {
  client: Client;
  taskQueue: string;
  /** Where these runs begin: names their workflows. */
  name: string;
}): AsyncGenerator<string> {
  const { client, taskQueue, name } = given;
  const switchyard = new Switchyard({ client, taskQueue });
  for (const [index, night] of NIGHTS.entries()) {
    const { workflowId } = await client.workflow.start('nightlyRefresh', {
      ...{ workflowId: `${name}/${index + 1}`, taskQueue },
      args: [{ model: MODEL, ...night }],
    });
    const outcome = await inTheMorning(switchyard, workflowId);
    const by = outcome.decisions.map((decision) => decision.by).join(', ') || 'nobody';
    yield `night ${index + 1}: ${outcome.outcome}, version ${outcome.version ?? 'none'}, approved by ${by}`;
  }
}

/** Answers whoever waits, and resolves to how the night ended. */
async function inTheMorning(switchyard: Switchyard, workflowId: string): Promise<LifecycleOutcome> {
  const ending = switchyard.outcome(workflowId);
  for (;;) {
    const outcome = await Promise.race([ending, pause(200, null)]);
    if (outcome !== null) return outcome;
    const { waitingFor, evidence } = await switchyard.status(workflowId);
    for (const role of waitingFor) {
      const decision = {
        role,
        decision: 'approved',
        evidence: evidence ?? '',
        ...MORNING,
      } as const;
      await switchyard.decide(workflowId, decision);
    }
  }
}
