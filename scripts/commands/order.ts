import type { Switchyard } from '../../client/switchyard.js';
import { PortError } from '../../domain/failures.js';
import { leavingOf, type LiveChangeResult } from '../../domain/live-state.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { directFallback, shownFallback, withDirectWay } from './direct-fallback.js';
import type { Answer } from './terminal/answer.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { requireKnownModel } from './terminal/known-model.js';
import { thisPerson } from './terminal/person.js';
import { answered, inSession, type Session } from './terminal/session.js';
import { findOrderer, KEY_OPTION } from './terminal/sign-order.js';
import type { Terminal } from './terminal/terminal.js';
import { typed } from './terminal/words.js';

const OPTIONS = {
  reason: { type: 'string', value: 'TEXT', about: 'why, for people' },
  by: { type: 'string', value: 'WHO', about: 'who orders it; git’s user.email where left out' },
} as const;

/** In an emergency nobody should have to think of a sentence first. */
const NO_REASON = 'no reason given';

interface Order {
  readonly by: string;
  readonly reason: string;
}

/** Gives a model's `liveModel` an order, and tells what came of it and how long it took. */
async function order(
  terminal: Terminal,
  given: {
    readonly name: string;
    readonly model: string;
    readonly order: Order;
    readonly give: (session: Session) => Promise<LiveChangeResult>;
    readonly sentence: (result: LiveChangeResult) => string;
    readonly next: (result: LiveChangeResult) => readonly string[];
  },
): Promise<Answer> {
  const { name, model, order: ordered, give, sentence, next } = given;
  return inSession(terminal, async (session) => {
    await requireKnownModel(session, model);
    await session.requireWorker();
    const startedMs = performance.now();
    const result = await answered(terminal, `${name} of ${model}`, give(session));
    const ms = Math.round(performance.now() - startedMs);
    return {
      lines: [`${model}: ${sentence(result)}, generation ${result.generation}, in ${ms} ms`],
      facts: { model, ...result, ...ordered, ms },
      webUi: session.page(liveWorkflowId(model)),
      next: next(result),
      exitCode: result.kind === 'no-previous' ? 1 : 0,
    };
  });
}

/** `switchyard fallback <model>`: the emergency way back to the previous version. */
export const runFallback = defineCommand({
  name: 'fallback',
  takes: '<model>',
  summary: 'the emergency way back: the previous version serves again, the live one never',
  options: {
    ...{ ...OPTIONS, ...KEY_OPTION },
    leaving: {
      type: 'string',
      value: 'DIGEST',
      about:
        'the version to leave, what is live where left out; nothing is done if another is live, or if a fallback was done a moment ago',
    },
    owner: {
      type: 'string',
      value: 'ROLE',
      about: 'who mends what it leaves and closes its follow-up; engineering where left out',
    },
    direct: {
      type: 'boolean',
      about: 'write live.json itself: needs the bucket only, also while Temporal is down',
    },
  },
  run: async ({ values, words: [model = ''], terminal }) => {
    const { leaving, owner, direct, reason = NO_REASON } = values;
    const { by, sign } = await findOrderer(values);
    const signed = async (target: string) => {
      const signature = await sign({ order: 'fallback', target, role: null, reason });
      return { by, reason, leaving: target, ...(signature !== null && { signature }) };
    };
    if (direct) {
      return directFallback(terminal, model, {
        ...{ by, reason, ...(leaving && { leaving }) },
        sign: (target) => sign({ order: 'fallback', target, role: null, reason }),
      });
    }
    try {
      return await order(terminal, {
        ...{ name: 'fallback', model, sentence: shownFallback, order: { by, reason } },
        give: async (session) =>
          session.switchyard.fallback(model, {
            ...(await signed(leaving ?? (await liveDigest(session, model)))),
            ...(owner && { owner }),
          }),
        next: () => [
          ...[typed('versions', model), typed('follow-ups', model)],
          typed('freeze', model, '--reason', 'your reason'),
        ],
      });
    } catch (error) {
      throw withDirectWay(error, model);
    }
  },
});

/** `switchyard freeze <model>`: no promotion until a thaw. */
export const runFreeze = freezing(
  'freeze',
  'no promotion of this model until thaw; fallback still works',
  (switchyard, model, signed) => switchyard.freeze(model, signed),
);

/** `switchyard thaw <model>`: promotions go through again. */
export const runThaw = freezing(
  'thaw',
  'promotions go through again; whoever waited goes on',
  (switchyard, model, signed) => switchyard.thaw(model, signed),
);

function freezing(
  name: 'freeze' | 'thaw',
  summary: string,
  give: (switchyard: Switchyard, model: string, order: Order) => Promise<LiveChangeResult>,
) {
  const after = name === 'freeze' ? ['thaw', '--reason', 'your reason'] : ['status'];
  return defineCommand({
    ...{ name, summary, takes: '<model>', options: OPTIONS },
    run: async ({ values, words: [model = ''], terminal }) => {
      const by = values.by ?? (await thisPerson());
      const ordered = { by, reason: values.reason ?? NO_REASON };
      return order(terminal, {
        ...{ name, model, order: ordered },
        give: ({ switchyard }) => give(switchyard, model, ordered),
        sentence: ({ kind }) => (kind === 'already-done' ? `nothing to ${name}` : kind),
        next: () => {
          const [command = '', ...rest] = after;
          return [typed(command, model, ...rest)];
        },
      });
    },
  });
}

/** What is live by the registry, or where no bucket is named by `liveModel`'s last answer. */
async function liveDigest(session: Session, model: string): Promise<string> {
  const { place, switchyard } = session;
  const reading = place.bucket === null ? null : await openBucket(place).registry.live(model);
  const live =
    place.bucket === null
      ? (await switchyard.live(model))?.live
      : reading && leavingOf(reading.state, Date.now());
  if (live !== null && live !== undefined) return live;
  throw new PortError(
    'InvalidRequest',
    `nothing of "${model}" is live, so there is nothing to leave: type ${typed('status', model)}`,
  );
}
