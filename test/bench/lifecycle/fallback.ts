import { setTimeout as pause } from 'node:timers/promises';
import { Switchyard } from '../../../client/switchyard.js';
import { TemporalLivePointer } from '../../../client/live-pointer.js';
import { firstAnswerOf } from '../../../scripts/demo/endpoint-client.js';
import { WORDS } from '../../support/small-models.js';
import type { Row } from '../benchmark.js';
import { median, spread } from '../rounds.js';
import { openLine, type Line } from './line.js';
import type { Published } from './publish-versions.js';

const FALLBACKS = 50;
const SLOWEST_LIMIT_MS = 1_000;
const CALLS_LIMIT = 3;
const DEADLINE_MS = 20_000;
/** An endpoint looks at `live.json` this often; orders are spread over that time. */
const POLL_MS = 250;

/** Promotes a new version and falls back, again and again, on real servers with a real endpoint. */
export const fallbackRow: Row = {
  name: 'fallback',
  run: async (say) => {
    await using line = await openLine(FALLBACKS + 1, say);
    const [first, ...others] = line.versions;
    if (first === undefined) throw new Error('nothing was published');
    await promote(line, first, null);
    await line.startEndpoint();
    await answered(line, first);
    const times: number[] = [];
    const calls: number[] = [];
    const promotionCalls: number[] = [];
    for (const [index, version] of others.entries()) {
      promotionCalls.push(await promote(line, version, first.digest));
      await answered(line, version);
      await pause((index * POLL_MS) / FALLBACKS);
      const taken = await fallBack(line, version, first);
      times.push(taken.ms);
      calls.push(taken.calls);
      if ((index + 1) % 10 === 0)
        say(`${index + 1} of ${FALLBACKS}: ${spread(times, 'ms')} so far`);
    }
    return [
      {
        what: `fallback order to the first answer, slowest of ${FALLBACKS}`,
        ...{ unit: 'ms', value: Math.max(...times), other: null, rounds: FALLBACKS },
        target: { of: 'value', atMost: SLOWEST_LIMIT_MS },
        note: `${spread(times, 'ms')}, median ${median(times).toFixed(0)} ms; the endpoint looks every ${POLL_MS} ms`,
      },
      {
        what: 'S3 calls of the worker in one fallback, most',
        ...{ unit: '', value: Math.max(...calls), other: null, rounds: FALLBACKS },
        target: { of: 'value', atMost: CALLS_LIMIT },
        note: `${spread(calls, 'calls')}; a promotion, which reads its evidence, ${spread(promotionCalls, 'calls')}`,
      },
    ];
  },
};

/** Promotes a version over another; resolves to the worker's S3 calls. */
async function promote(line: Line, version: Published, baseline: string | null): Promise<number> {
  const pointer = new TemporalLivePointer(line);
  const before = line.calls();
  const { version: number, digest, artifact, evidence } = version;
  const candidate = { version: number, digest, artifact, evidence, decisions: [] };
  const { kind } = await pointer.ask(
    line.model,
    { kind: 'promote', candidate, baseline },
    `promote-${version.version}`,
  );
  if (kind !== 'promoted') throw new Error(`the promotion of ${version.version} ended "${kind}"`);
  return line.calls() - before;
}

async function fallBack(line: Line, from: Published, to: Published) {
  const before = line.calls();
  const orderedMs = performance.now();
  const [change, ms] = await Promise.all([
    new Switchyard(line).fallback(line.model, {
      ...{ leaving: from.digest, by: 'grace@example.com', reason: 'a benchmark' },
    }),
    answered(line, to).then(() => performance.now() - orderedMs),
  ]);
  if (change.kind !== 'fallen-back') throw new Error(`the fallback ended "${change.kind}"`);
  return { ms, calls: line.calls() - before };
}

/** Asks the endpoint again and again until this version answers. */
async function answered(line: Line, { digest }: Published): Promise<void> {
  const { model, endpointUrl } = line;
  await firstAnswerOf(endpointUrl, { model, text: WORDS[0], digest, deadlineMs: DEADLINE_MS });
}
