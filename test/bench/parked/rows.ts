import type { Figure, Row, Say } from '../benchmark.js';
import { percentile } from '../../chaos/recovery.js';
import { median } from '../rounds.js';
import { measureSide } from './side.js';

const MANY = 2_000;
const FEW = 200;
/** Fewer than either parks, so that both fill it. */
const CACHED = 100;
/** On lifecycles that were evicted: at most as many as the fewer evict, and enough of the many for a p99 that is not the slowest one. */
const DECISIONS = { few: 80, many: 500 };

/** Lifecycles parked on approval: what thousands cost against hundreds. */
export const parkedRows: readonly Row[] = [
  {
    name: 'parked',
    run: (say) =>
      measureParked({ many: MANY, few: FEW, cached: CACHED, decisions: DECISIONS, say }),
  },
];

/** Measures both numbers, the smaller one first, each in a server and a worker of its own. */
export async function measureParked(given: {
  readonly many: number;
  readonly few: number;
  readonly cached: number;
  readonly decisions: { readonly few: number; readonly many: number };
  readonly say: Say;
}): Promise<readonly Figure[]> {
  const { many, few, cached, decisions, say } = given;
  const side = { cached, say };
  const small = await measureSide({ ...side, lifecycles: few, decisions: decisions.few });
  const large = await measureSide({ ...side, lifecycles: many, decisions: decisions.many });
  const against = `${few} parked`;
  const memory = (what: string, one: number, other: number) =>
    `${what} ${one} MB against ${other} MB`;
  const spread = `${decisions.many} and ${decisions.few} decisions, one at a time, oldest first, all on evicted lifecycles; one round; the server collects its garbage with GOGC=400`;
  return [
    {
      what: `worker's memory with ${many} parked, MB`,
      unit: '',
      value: large.workerMB,
      other: { name: against, value: small.workerMB },
      target: { of: 'ratio', atMost: 1.25 },
      rounds: 1,
      note: `resident; at most ${cached} workflows cached in both; ${memory('after all were approved', large.workerAfterMB, small.workerAfterMB)}; ${memory('the server itself', large.serverMB, small.serverMB)}, ${memory('after', large.serverAfterMB, small.serverAfterMB)}`,
    },
    {
      what: 'decision to next activity, p50',
      unit: 'ms',
      value: median(large.decisionMs),
      other: { name: against, value: median(small.decisionMs) },
      target: { of: 'ratio', atMost: 1.5 },
      rounds: 1,
      note: spread,
    },
    {
      what: 'decision to next activity, p99',
      unit: 'ms',
      value: p99(large.decisionMs),
      other: { name: against, value: p99(small.decisionMs) },
      target: { of: 'value', atMost: 100 },
      rounds: 1,
      note: `${spread}; the slowest ${slowest(large.decisionMs)} ms against ${slowest(small.decisionMs)} ms`,
    },
    {
      what: `lost of ${many + few} when all are approved`,
      unit: '',
      value: large.lost + small.lost,
      other: null,
      target: { of: 'value', atMost: 0 },
      rounds: 1,
      note: 'each ended live',
    },
  ];
}

const p99 = (values: readonly number[]) => percentile(values, 0.99);
const slowest = (values: readonly number[]) => Math.round(Math.max(...values));
