import type { ChaosGiven, ChaosResult } from './chaos-run.js';
import { racePairs } from './race/pairs.js';
import { racePointer } from './race/pointer.js';

const WRITES = 10_000;
const PAIRS = 50;

/**
 * Two parts: `pointer` (20 writers on one `live.json`, its history checked for linearizability) and `pairs` (two lifecycles on one model).
 * `--count N`: N compare-and-sets, and N/200 pairs; `--set pairs=N`.
 */
export async function runRace(given: ChaosGiven): Promise<ChaosResult> {
  const { count, only, settings } = given;
  const isWanted = (part: string) => only.length === 0 || only.some((each) => part.includes(each));
  const writes = count ?? WRITES;
  const pairs = settings['pairs'] ?? Math.ceil((writes / WRITES) * PAIRS);
  const parts = [
    ...(isWanted('pointer') ? [await racePointer({ ...given, writes })] : []),
    ...(isWanted('pairs') ? [await racePairs({ ...given, pairs })] : []),
  ];
  return {
    figures: parts.flatMap(({ figures }) => figures),
    violations: parts.flatMap(({ violations }) => violations),
  };
}
