import { z } from 'zod';
import { until } from '../../../testing/until.js';
import { LABELS, WORDS } from '../../support/small-models.js';
import { publishVersions, type Published } from '../lifecycle/publish-versions.js';
import type { Row, Say } from '../benchmark.js';
import { median, spread } from '../rounds.js';
import { startEndpoint, type Endpoint } from './endpoint.js';
import { textBody } from './infer-body.js';
import { KeepAlive } from './keep-alive.js';
import { openBucket, promote, type Bucket } from './published.js';

const MODEL = 'swapped';
const SWAPS = 200;
const FIRST = 50;
const EVERY_MS = 10;
const ROWS = 3;
const GROWTH_LIMIT = 1.1;
/** Three, so that each swap opens the one that is neither live nor the one before. */
const VERSIONS = 3;

const answerSchema = z.object({
  parameters: z.object({ digest: z.string() }),
  outputs: z.array(
    z.object({ name: z.string(), data: z.array(z.union([z.string(), z.number()])) }),
  ),
});

/** Swaps versions under load. */
export const swapsRow: Row = {
  name: 'swaps',
  run: async (say) => {
    await using bucket = await openBucket();
    const versions = await publishVersions(bucket.registry, MODEL, VERSIONS);
    const [first] = versions;
    if (first === undefined) throw new Error('nothing was published');
    await promote(bucket.registry, MODEL, { ...first, baseline: null });
    await using endpoint = await startEndpoint({ bucket, models: [MODEL] });
    const traffic = new Traffic(endpoint, versions);
    const swaps = await swap({ bucket, endpoint, versions, traffic, say });
    await traffic.stop();
    const { answered, failed, mixed, problem } = traffic;
    const shown = `${answered} answers of ${ROWS} rows, ${1_000 / EVERY_MS} requests a second`;
    return [
      {
        what: `failed in ${SWAPS} swaps`,
        ...{ unit: '', value: failed, other: null, rounds: 1 },
        target: { of: 'value', atMost: 0 },
        note: `${shown}${problem === null ? '' : `; the first: ${problem}`}`,
      },
      {
        what: 'answers of two versions, or of another one than they name',
        ...{ unit: '', value: mixed, other: null, rounds: 1 },
        target: { of: 'value', atMost: 0 },
        note: `each version has labels of its own for the same text; a swap took ${median(swaps.ms).toFixed(0)} ms (${spread(swaps.ms, 'ms')}) from live.json to the first answer`,
      },
      {
        what: `memory after swap ${SWAPS}`,
        ...{ unit: 'MB', value: swaps.lastMB, rounds: 1 },
        other: { name: `after swap ${FIRST}`, value: swaps.firstMB },
        target: { of: 'ratio', atMost: GROWTH_LIMIT },
        note: "resident, of the endpoint and its models' processes; median over ten swaps",
      },
    ];
  },
};

async function swap(given: {
  readonly bucket: Bucket;
  readonly endpoint: Endpoint;
  readonly versions: readonly Published[];
  readonly traffic: Traffic;
  readonly say: Say;
}) {
  const { bucket, endpoint, versions, traffic, say } = given;
  const ms: number[] = [];
  const memoryMB: number[] = [];
  for (let number = 1; number <= SWAPS; number += 1) {
    const from = versions[(number - 1) % versions.length];
    const to = versions[number % versions.length];
    if (from === undefined || to === undefined) throw new RangeError('there is no such version');
    const orderedMs = performance.now();
    await promote(bucket.registry, MODEL, { ...to, baseline: from.digest });
    await until(`swap ${number} is answered`, () =>
      Promise.resolve(traffic.lastDigest === to.digest ? true : undefined),
    );
    ms.push(performance.now() - orderedMs);
    memoryMB.push(await endpoint.memoryMB());
    if (number % FIRST === 0) say(`${number} of ${SWAPS} swaps, ${spread(ms, 'ms')} so far`);
  }
  const around = (number: number) => median(memoryMB.slice(number - 10, number));
  return { ms, firstMB: around(FIRST), lastMB: around(SWAPS) };
}

/** A hundred requests a second, whose answers are held against the version that they name. */
class Traffic {
  answered = 0;
  failed = 0;
  mixed = 0;
  /** Why the first one failed. */
  problem: string | null = null;
  lastDigest: string | null = null;
  readonly #url: string;
  readonly #labels: ReadonlyMap<string, string>;
  readonly #idle: KeepAlive[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(endpoint: Endpoint, versions: readonly Published[]) {
    this.#url = endpoint.inferUrl(MODEL);
    // as publishVersions has them: the first word's label moves on by one with each version
    this.#labels = new Map(
      versions.map(({ version, digest }) => [digest, LABELS[version % LABELS.length] ?? '']),
    );
    this.#timer = setInterval(() => {
      const asked: Promise<void> = this.#ask().finally(() => this.#underWay.delete(asked));
      this.#underWay.add(asked);
    }, EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    for (const connection of this.#idle) connection[Symbol.dispose]();
  }

  async #ask(): Promise<void> {
    try {
      const connection = this.#idle.pop() ?? (await KeepAlive.open(this.#url));
      const body = textBody(Array.from({ length: ROWS }, () => WORDS[0]));
      const answer = await connection.post(this.#url, body);
      if (connection.isOpen) this.#idle.push(connection);
      const text = answer.body.toString('utf8');
      if (answer.status !== 200) throw new Error(`${answer.status}: ${text.slice(0, 200)}`);
      this.#hold(answerSchema.parse(JSON.parse(text)));
    } catch (error) {
      this.failed += 1;
      this.problem ??= error instanceof Error ? error.message : String(error);
    }
  }

  #hold({ parameters, outputs }: z.infer<typeof answerSchema>): void {
    this.answered += 1;
    this.lastDigest = parameters.digest;
    const expected = this.#labels.get(parameters.digest);
    const labels = outputs.find(({ name }) => name === 'label')?.data ?? [];
    const isWhole = labels.length === ROWS && labels.every((label) => label === expected);
    if (!isWhole) this.mixed += 1;
  }
}
