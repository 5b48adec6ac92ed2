import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../../chaos/recovery.js';
import type { Figure, Row } from '../benchmark.js';
import { closedLoop } from './closed-loop.js';
import { startEndpoint, type Endpoint } from './endpoint.js';
import { heavyModel, heavyRows } from './heavy-model.js';
import { numberBody, type InferBody } from './infer-body.js';
import { KeepAlive } from './keep-alive.js';
import { openBucket } from './published.js';

const MODEL = 'heavy';
const CLIENTS = 64;
const TIMES = 10;
const FOR_MS = 30_000;
const SPEED_FOR_MS = 3_000;
const TICK_MS = 10;
const REFUSED_WITHIN_MS = 50;
const FULL_SPEED = 0.9;
/** Requests that the endpoint lets wait at most: `maxWaiting` of serving/serve.ts. */
const QUEUE_BOUND = 1_000;

/** Ten times as many requests as a heavy model answers. */
export const overloadRow: Row = {
  name: 'overload',
  run: async (say) => {
    const heavy = await heavyModel();
    await using bucket = await openBucket();
    await bucket.publish(MODEL, heavy);
    await using endpoint = await startEndpoint({ bucket, models: [MODEL] });
    const url = endpoint.inferUrl(MODEL);
    const body = numberBody({ values: heavyRows(1), features: heavy.features });
    const clients = { url, body, clients: CLIENTS, forMs: SPEED_FOR_MS };
    const before = await closedLoop(clients);
    say(`${before.toFixed(0)} requests/s at full speed`);
    const came = new Arrivals(url, body);
    await came.during(FOR_MS, TIMES * before);
    // it counts from its second second on
    const after = await closedLoop({ ...clients, mayRefuse: true, others: came.answeredMs });
    await came.settled();
    say(`${came.accepted.length} answered, ${came.refused.length} refused`);
    return [
      ...figuresOf(came, before),
      {
        what: 'requests/s, a second after the overload',
        ...{ unit: 'requests/s', value: after, rounds: 1 },
        other: { name: 'before', value: before },
        target: { of: 'ratio', atLeast: FULL_SPEED },
        note: `${CLIENTS} clients, and what still waited`,
      },
      await endsFigure(endpoint),
    ];
  },
};

function figuresOf({ accepted, refused, odd }: Arrivals, perSecond: number): Figure[] {
  const serviceMs = 1_000 / perSecond;
  const limitMs = Math.round((QUEUE_BOUND + 2) * serviceMs);
  const once = { other: null, rounds: 1 } as const;
  const shown = `${TIMES} times ${perSecond.toFixed(0)} requests/s for ${FOR_MS / 1_000} s`;
  return [
    {
      what: 'accepted under overload, p99',
      ...{ unit: 'ms', value: percentile(accepted, 0.99), ...once },
      target: { of: 'value', atMost: limitMs },
      note: `${shown}; ${accepted.length} answered; at most (${QUEUE_BOUND} that may wait + 2) x ${serviceMs.toFixed(1)} ms a request`,
    },
    {
      what: 'refused with 429, p99',
      ...{ unit: 'ms', value: percentile(refused, 0.99), ...once },
      target: { of: 'value', atMost: REFUSED_WITHIN_MS },
      note:
        refused.length === 0
          ? 'none was refused so'
          : `${refused.length} refused, the slowest after ${refused.reduce((most, ms) => Math.max(most, ms), 0).toFixed(0)} ms`,
    },
    {
      what: 'neither answered nor refused with 429',
      ...{ unit: '', value: sum(odd.values()), ...once },
      target: { of: 'value', atMost: 0 },
      note: [...odd].map(([what, count]) => `${count} x ${what}`).join(', ') || 'none',
    },
  ];
}

async function endsFigure(endpoint: Endpoint): Promise<Figure> {
  const ends = await endpoint.metric(`switchyard_model_process_ends_total{model="${MODEL}"}`);
  return {
    what: 'processes that ended by themselves',
    ...{ unit: '', value: ends, other: null, rounds: 1 },
    target: { of: 'value', atMost: 0 },
    note: 'the endpoint itself answered at the end',
  };
}

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0);

/** Requests that come whether or not those before are answered. */
class Arrivals {
  /** Milliseconds to the answer. */
  readonly accepted: number[] = [];
  /** When those answers came. */
  readonly answeredMs: number[] = [];
  /** Milliseconds to the 429. */
  readonly refused: number[] = [];
  /** What else came, and how often. */
  readonly odd = new Map<string, number>();
  readonly #url: string;
  readonly #body: InferBody;
  readonly #idle: KeepAlive[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(url: string, body: InferBody) {
    this.#url = url;
    this.#body = body;
  }

  async during(forMs: number, perSecond: number): Promise<void> {
    const startedMs = performance.now();
    let sent = 0;
    for (;;) {
      const elapsedMs = performance.now() - startedMs;
      if (elapsedMs >= forMs) return;
      for (; sent < (elapsedMs / 1_000) * perSecond; sent += 1) {
        const asked: Promise<void> = this.#ask().finally(() => this.#underWay.delete(asked));
        this.#underWay.add(asked);
      }
      await pause(TICK_MS);
    }
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
    for (const connection of this.#idle) connection[Symbol.dispose]();
  }

  async #ask(): Promise<void> {
    try {
      const connection = this.#idle.pop() ?? (await KeepAlive.open(this.#url));
      const { status, ms } = await connection.post(this.#url, this.#body);
      if (connection.isOpen) this.#idle.push(connection);
      if (status === 200) {
        this.accepted.push(ms);
        this.answeredMs.push(performance.now());
      } else if (status === 429) this.refused.push(ms);
      else this.#count(`status ${status}`);
    } catch (error) {
      this.#count(error instanceof Error ? error.message : String(error));
    }
  }

  #count(what: string): void {
    this.odd.set(what, (this.odd.get(what) ?? 0) + 1);
  }
}
