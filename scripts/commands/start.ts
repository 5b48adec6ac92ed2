import { randomUUID } from 'node:crypto';
import { readKeyFile } from '../../client/signing/key-file.js';
import { signStart } from '../../client/signing/signing-key.js';
import type { LifecycleRequest } from '../../domain/lifecycle.js';
import { PortError } from '../../domain/failures.js';
import type { TimeCut } from '../../domain/spec.js';
import type { Answer } from './terminal/answer.js';
import { defineCommand, type Asked } from './terminal/define-command.js';
import { follow, waitsForSomebody } from './terminal/follow.js';
import { lifecycleAnswer } from './terminal/lifecycle-answer.js';
import { wholeNumber } from './terminal/numbers.js';
import { parseParameters } from './terminal/parameters.js';
import { thisPerson } from './terminal/person.js';
import { requireModel } from './terminal/place.js';
import { inSession } from './terminal/session.js';
import { typed } from './terminal/words.js';

/** How long a start waits for the first look at its input: a wrong model name is refused there. */
const FIRST_LOOK_MS = 5_000;
const HIGHEST_SEED = 2 ** 31 - 1;

const OPTIONS = {
  parameters: { type: 'string', value: 'JSON', about: 'overrides of the trainer’s parameters' },
  seed: { type: 'string', value: 'N', about: 'the random seed' },
  'train-from': { type: 'string', value: 'INSTANT', about: 'learn from rows of this time on' },
  'train-until': { type: 'string', value: 'INSTANT', about: 'and before this one' },
  'held-out-from': { type: 'string', value: 'INSTANT', about: 'judge by rows of this time on' },
  'held-out-until': { type: 'string', value: 'INSTANT', about: 'and before this one' },
  reason: { type: 'string', value: 'TEXT', about: 'why, for people' },
  by: { type: 'string', value: 'WHO', about: 'who starts it; git’s user.email where left out' },
  id: {
    type: 'string',
    value: 'ID',
    about: 'the workflow id; the same one again finds the same run',
  },
  key: {
    type: 'string',
    value: 'FILE',
    about: 'signs the start with this private key, so that a policy can tell who started it',
  },
  wait: { type: 'boolean', about: 'wait until it has ended, or somebody is asked' },
} as const;

/** `switchyard start <model>`: sends a candidate on its way. */
export const runStart = defineCommand({
  name: 'start',
  takes: '<model>',
  summary: 'starts a candidate: retrain, convert, test, approve, deploy',
  options: OPTIONS,
  run: async (asked) => {
    const { values, terminal } = asked;
    const given = await requestOf(asked);
    const id = values.id ?? `lifecycle/${given.model}/${randomUUID().slice(0, 8)}`;
    const { key } = values;
    const request = key === undefined ? given : await signStart(await readKeyFile(key), id, given);
    return inSession(terminal, async (session): Promise<Answer> => {
      requireModel(session.place, request.model);
      await session.requireWorker();
      const { workflowId } = await terminal.during(
        `starting ${request.model}`,
        session.switchyard.start(request, { workflowId: id }),
      );
      const row = values.wait
        ? await follow(session, terminal, workflowId, { until: waitsForSomebody })
        : await follow(session, terminal, workflowId, {
            until: ({ stage }) => stage !== 'resolve' && stage !== 'undo',
            atMostMs: FIRST_LOOK_MS,
          });
      const answer = await lifecycleAnswer(session, terminal, row);
      const { outcome, why } = answer.facts;
      if (row.end === 'failed' && !values.wait) throw new PortError('InvalidRequest', String(why));
      if (values.wait)
        return { ...answer, exitCode: row.end === 'open' || outcome === 'live' ? 0 : 1 };
      return { ...answer, next: [typed('status', workflowId)] };
    });
  },
});

async function requestOf({ values, words }: Asked<typeof OPTIONS>): Promise<LifecycleRequest> {
  const [model = ''] = words;
  const seed = wholeNumber('--seed', values.seed, { min: 0, max: HIGHEST_SEED });
  const trainRows = cutOf(values['train-from'], values['train-until']);
  const heldOutRows = cutOf(values['held-out-from'], values['held-out-until']);
  const { reason, parameters } = values;
  return {
    model,
    startedBy: values.by ?? (await thisPerson()),
    ...(parameters !== undefined && { parameters: parseParameters(parameters) }),
    ...(seed !== undefined && { seed }),
    ...(trainRows !== null && { trainRows }),
    ...(heldOutRows !== null && { heldOutRows }),
    ...(reason !== undefined && { reason }),
  };
}

function cutOf(from: string | undefined, until: string | undefined): TimeCut | null {
  if (from === undefined && until === undefined) return null;
  return { ...(from !== undefined && { from }), ...(until !== undefined && { until }) };
}
