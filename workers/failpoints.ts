import { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { ActivityPorts } from '../activities/index.js';
import { PortError } from '../domain/failures.js';
import { nearestName } from '../domain/nearest-name.js';
import type { ObjectStore } from '../domain/ports/object-store.js';

/** Where an activity is broken on purpose, and how. */
export interface Failpoint {
  readonly activity: string;
  /** Only where the workflow's id or the input holds all of these. */
  readonly about: readonly string[];
  /** `mid`: when the first effect inside of it has happened, such as one object that was written. */
  readonly at: 'before' | 'mid' | 'after';
  /**
   * `kill`: SIGKILL of this very process; `throw`: an error that is tried again; `fail`: one that is not; `hang`: silence, without a
   * heartbeat, until the attempt is cancelled because its time is over.
   */
  readonly does: 'kill' | 'throw' | 'fail' | 'hang';
  /** Which attempt of each call it is, from 1; every one: null. */
  readonly attempt: number | null;
}

const FORM =
  '<activity>[@<text>…]:<before|mid|after>:<kill|throw|fail|hang>[:<attempt, or * for every one>]';

/**
 * Reads `SWITCHYARD_FAILPOINTS`: failpoints by commas, each `<activity>[@<text>…]:<when>:<what>[:<attempt>]`; the attempt is 1 where
 * it is left out, so that what is tried again works.
 * @throws PortError `SetUpMissing` where one cannot be read, and for any at all where `mode` is `production`.
 */
export function parseFailpoints(text: string, mode: string | undefined): readonly Failpoint[] {
  if (text === '') return [];
  if (mode === 'production') {
    throw new PortError(
      'SetUpMissing',
      'SWITCHYARD_FAILPOINTS breaks activities on purpose, so it is refused where NODE_ENV is production: unset it',
    );
  }
  return text.split(',').map((one) => parseFailpoint(one.trim()));
}

function parseFailpoint(text: string): Failpoint {
  const [what = '', at, does, attempt = '1', ...rest] = text.split(':');
  const [activity = '', ...about] = what.split('@');
  const isAttempt = attempt === '*' || /^[1-9]\d{0,5}$/.test(attempt);
  if (activity === '' || !isPlace(at) || !isDeed(does) || !isAttempt || rest.length > 0) {
    throw new PortError('SetUpMissing', `"${text}" is no failpoint: write ${FORM}`);
  }
  return { activity, about, at, does, attempt: attempt === '*' ? null : Number(attempt) };
}

const isPlace = (text: string | undefined): text is Failpoint['at'] =>
  text === 'before' || text === 'mid' || text === 'after';
const isDeed = (text: string | undefined): text is Failpoint['does'] =>
  text === 'kill' || text === 'throw' || text === 'fail' || text === 'hang';

/** An attempt that has failpoints. */
interface Attempt {
  readonly name: string;
  readonly points: readonly Failpoint[];
  /** Ends the heartbeats; rejects when the attempt is cancelled. */
  readonly fallSilent: () => Promise<never>;
  hasHadEffect: boolean;
}

/** The failpoints of a worker process: around its activities, and after what its ports write. */
export class Failpoints {
  readonly #points: readonly Failpoint[];
  readonly #attempts = new AsyncLocalStorage<Attempt>();

  constructor(points: readonly Failpoint[]) {
    this.#points = points;
  }

  /** @throws PortError `SetUpMissing` where a failpoint names an activity that there is not. */
  checkNames(activities: readonly string[]): void {
    const unknown = this.#points.find(({ activity }) => !activities.includes(activity));
    if (unknown === undefined) return;
    const nearest = nearestName(unknown.activity, activities);
    throw new PortError(
      'SetUpMissing',
      `a failpoint names the activity "${unknown.activity}", which there is not${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
    );
  }

  /** For `before` and `after`; put it nearest to the activities. */
  readonly interceptor: ActivityInterceptorsFactory = (context) => ({
    inbound: {
      execute: async (input, next) => {
        const { activityType, attempt, workflowExecution } = context.info;
        const id = workflowExecution?.workflowId ?? '';
        const said = `${id} ${JSON.stringify(input.args)}`;
        const points = this.#points.filter(
          (point) =>
            point.activity === activityType &&
            (point.attempt === null || point.attempt === attempt) &&
            point.about.every((text) => said.includes(text)),
        );
        if (points.length === 0) return next(input);
        const fallSilent = () => {
          Object.defineProperty(context, 'heartbeat', { value: () => undefined });
          return context.cancelled;
        };
        const name = `${activityType}, attempt ${attempt}, of ${id}`;
        const armed: Attempt = { name, points, fallSilent, hasHadEffect: false };
        return this.#attempts.run(armed, async () => {
          await reach(armed, 'before');
          const result: unknown = await next(input);
          await reach(armed, 'after');
          return result;
        });
      },
    },
  });

  /** For `mid`: everything through which activities have effects, but the store, which other ports are made of. */
  armedPorts(ports: ActivityPorts): ActivityPorts {
    return {
      ...ports,
      trainer: this.#armed(ports.trainer, ['run']),
      livePointer: this.#armed(ports.livePointer, ['ask']),
      notifier: this.#armed(ports.notifier, ['notify']),
      monitorActions: this.#armed(ports.monitorActions, ['fallBack', 'startLifecycle']),
      followUps: this.#armed(ports.followUps, ['open']),
      runWatch: this.#armed(ports.runWatch, ['adopt']),
    };
  }

  /** For `mid`: the store. */
  armedStore(store: ObjectStore): ObjectStore {
    return this.#armed(store, ['put', 'putFile', 'copy', 'delete']);
  }

  /** A port whose first call of one of these methods, inside an attempt, is where it breaks, once the call is done. */
  #armed<Port extends object>(port: Port, effects: readonly (keyof Port & string)[]): Port {
    if (this.#points.length === 0) return port;
    const names: readonly PropertyKey[] = effects;
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
        if (!names.includes(name)) return call;
        return async (...args: unknown[]): Promise<unknown> => {
          const result: unknown = await call(...args);
          await this.#hadEffect();
          return result;
        };
      },
    });
  }

  async #hadEffect(): Promise<void> {
    const attempt = this.#attempts.getStore();
    if (attempt === undefined || attempt.hasHadEffect) return;
    attempt.hasHadEffect = true;
    await reach(attempt, 'mid');
  }
}

async function reach({ name, points, fallSilent }: Attempt, at: Failpoint['at']): Promise<void> {
  for (const { does } of points.filter((point) => point.at === at)) {
    // at once and by itself: after a SIGKILL nobody writes
    writeSync(2, `${JSON.stringify({ failpoint: name, at, does })}\n`);
    if (does === 'kill') process.kill(process.pid, 'SIGKILL');
    if (does === 'kill' || does === 'hang') await fallSilent();
    throw ApplicationFailure.create({
      message: `failpoint ${at}: ${name}`,
      type: 'Failpoint',
      nonRetryable: does === 'fail',
    });
  }
}

/** Of every worker outside of tests. */
export const NO_FAILPOINTS = new Failpoints([]);
