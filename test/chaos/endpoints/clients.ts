import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { shortDigest } from '../../../domain/names.js';
import { randomInt, type Random } from '../../../domain/random.js';
import { WORDS } from '../../support/small-models.js';
import { saidOf, type Line, type Said } from './line.js';

/** 16 of them, each every 80 ms: 200 requests a second. */
const CLIENTS = 16;
const ASK_EVERY_MS = 80;
const ANSWER_PATIENCE_MS = 10_000;
const RETRY_AFTER_MS = 50;
/** A connection is kept for so many requests, so that new endpoints get some. */
const KEPT_FOR = { least: 10, most: 30 } as const;
const MOST_WORDS = 3;
/** A float's last bits may come out otherwise in another batch. */
const ALIKE = 1e-6;
/** A version may answer so long after another was made live: a poll, and the time in which the other opens on busy cores. */
const STALE_LIMIT_MS = 5_000;

const answerSchema = z.object({
  outputs: z.array(
    z.object({ name: z.string(), data: z.array(z.union([z.string(), z.number()])) }),
  ),
  parameters: z.object({ digest: z.string() }),
});

/** A first try that a client made again. */
interface Failed {
  readonly atMs: number;
  readonly why: string;
}

interface Answered {
  readonly status: number;
  readonly body: string;
}

/** Many clients of one address that keep their connections, and ask once more where a connection breaks or the answer is 503. */
export class Clients {
  requests = 0;
  answers = 0;
  lost = 0;
  slowestMs = 0;
  /** The longest time that a version answered after another was live. */
  staleMs = 0;
  /** Answers of a version after the deploy of another had ended. */
  overtaken = 0;
  readonly failed: Failed[] = [];
  readonly violations = new Set<string>();
  readonly #answeredBy = new Set<string>();
  readonly #asking: readonly Promise<void>[];
  #isStopped = false;

  constructor(
    readonly url: string,
    readonly line: Line,
    readonly random: Random,
  ) {
    this.#asking = Array.from({ length: CLIENTS }, (_, turn) => this.#ask(turn));
  }

  /** How many versions have answered. */
  get versions(): number {
    return this.#answeredBy.size;
  }

  /** First tries that failed from then on. */
  failedSince(atMs: number): readonly Failed[] {
    return this.failed.filter((each) => each.atMs >= atMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#asking);
  }

  #goesOn(): boolean {
    return !this.#isStopped;
  }

  async #ask(turn: number): Promise<void> {
    await pause((turn * ASK_EVERY_MS) / CLIENTS);
    while (this.#goesOn()) {
      using connection = new Connection(this.url, this.line.model);
      const span = KEPT_FOR.most - KEPT_FOR.least;
      const requests = KEPT_FOR.least + randomInt(this.random, span);
      for (let asked = 0; asked < requests && this.#goesOn(); asked += 1) {
        const beganMs = performance.now();
        await this.#askOnce(connection);
        const tookMs = performance.now() - beganMs;
        this.slowestMs = Math.max(this.slowestMs, tookMs);
        await pause(Math.max(0, ASK_EVERY_MS - tookMs));
      }
    }
  }

  async #askOnce(connection: Connection): Promise<void> {
    const words = Array.from(
      { length: 1 + randomInt(this.random, MOST_WORDS) },
      () => WORDS[randomInt(this.random, WORDS.length)] ?? WORDS[0],
    );
    const texts = [...new Set([...words, ...this.line.marks])];
    this.requests += 1;
    try {
      const fromMs = performance.now();
      const answered = await this.#tryTwice(connection, texts);
      this.answers += 1;
      this.#hold(texts, answered, { fromMs, toMs: performance.now() });
    } catch (error) {
      this.lost += 1;
      this.violations.add(`a request was lost: ${describe(error)}`);
    }
  }

  async #tryTwice(connection: Connection, texts: readonly string[]): Promise<Answered> {
    try {
      return await connection.post(texts);
    } catch (error) {
      this.failed.push({ atMs: performance.now(), why: describe(error) });
      connection.drop();
      await pause(RETRY_AFTER_MS);
      return connection.post(texts);
    }
  }

  #hold(
    texts: readonly string[],
    { status, body }: Answered,
    asked: { readonly fromMs: number; readonly toMs: number },
  ): void {
    if (status !== 200) {
      this.violations.add(`a request was answered ${status}: ${body.slice(0, 300)}`);
      return;
    }
    const { outputs, parameters } = answerSchema.parse(JSON.parse(body));
    const { digest } = parameters;
    const named = shortDigest(digest);
    this.#answeredBy.add(digest);
    const staleMs = this.line.staleMs(digest, asked);
    this.staleMs = Math.max(this.staleMs, staleMs ?? 0);
    if (staleMs === null) this.violations.add(`${named} answered before it was live`);
    else if (staleMs > STALE_LIMIT_MS) {
      this.violations.add(`${named} answered over ${STALE_LIMIT_MS} ms after another was live`);
    }
    if (this.line.isOvertaken(digest, asked)) {
      this.overtaken += 1;
      this.violations.add(`${named} answered after the deploy of another had ended`);
    }
    const dataOf = (wanted: string) => outputs.find(({ name }) => name === wanted)?.data ?? [];
    const said = saidOf(texts, dataOf('label'), dataOf('probabilities'));
    for (const [word, answer] of said) {
      const expected = this.line.expected.get(digest)?.get(word);
      if (isAlike(answer, expected)) continue;
      const [got, wanted] = [answer, expected].map((each) => JSON.stringify(each));
      this.violations.add(`${named} answered ${got ?? ''} to "${word}", not ${wanted ?? ''}`);
    }
  }
}

function isAlike({ label, probabilities }: Said, expected: Said | undefined): boolean {
  const wanted = expected?.probabilities ?? [];
  return (
    expected?.label === label &&
    wanted.length === probabilities.length &&
    wanted.every((value, index) => Math.abs(value - (probabilities[index] ?? NaN)) <= ALIKE)
  );
}

/** One connection, by Node's own client; a new one once it is gone. */
class Connection implements Disposable {
  readonly #url: URL;
  #agent = anAgent();

  constructor(url: string, model: string) {
    this.#url = new URL(`/v2/models/${model}/infer`, url);
  }

  /** Rejects where the connection breaks, the answer does not come, or is 503. */
  post(texts: readonly string[]): Promise<Answered> {
    const input = { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts };
    const body = JSON.stringify({ inputs: [input] });
    const signal = AbortSignal.timeout(ANSWER_PATIENCE_MS);
    return new Promise((resolve, reject) => {
      const sent = request(this.#url, { method: 'POST', agent: this.#agent, signal }, (answer) => {
        const status = answer.statusCode ?? 0;
        text(answer).then((said) => {
          if (status === 503) reject(new Error(`503: ${said.slice(0, 200)}`));
          else resolve({ status, body: said });
        }, reject);
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }

  drop(): void {
    this.#agent.destroy();
    this.#agent = anAgent();
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function anAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
