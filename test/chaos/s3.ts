import { seededRandom } from '../../domain/random.js';
import { testServers } from '../../testing/servers.js';
import type { ChaosGiven, ChaosResult } from './chaos-run.js';
import { allCells, FAULTS, runCell, type Cell } from './s3/cells.js';
import { attackServing } from './s3/serving.js';
import { killStore } from './s3/store-kills.js';
import { startTcpProxy } from './tcp-proxy.js';

const STORE_KILLS = 6;

/**
 * Spoils what passes between the registry and a real store. Three parts: `cells` (every operation under every fault), `serving` (an
 * endpoint whose store is spoiled while versions are promoted), `kills` (the store is killed among writers). `--count` takes so many
 * cells, drawn by the seed; `--set kills=N`.
 */
export async function runS3(given: ChaosGiven): Promise<ChaosResult> {
  const isWanted = (part: string) =>
    given.only.length === 0 || given.only.some((each) => part.includes(each));
  const parts = [
    ...(isWanted('cells') ? [await spoilCells(given)] : []),
    ...(isWanted('serving') ? [await spoilServing(given)] : []),
    ...(isWanted('kills') ? [await killTheStore(given)] : []),
  ];
  return {
    figures: parts.flatMap(({ figures }) => figures),
    violations: parts.flatMap(({ violations }) => violations),
  };
}

async function spoilCells({ seed, count, say }: ChaosGiven): Promise<ChaosResult> {
  const { s3 } = await testServers();
  const random = seededRandom(seed);
  const cells = drawn(allCells(random), count, random);
  await using proxy = await startTcpProxy(Number(new URL(s3.endpoint).port));
  const ends = new Map<string, number>();
  const violations: string[] = [];
  let struck = 0;
  for (const [index, cell] of cells.entries()) {
    const end = await runCell(cell, { proxy, s3 });
    ends.set(end.first, (ends.get(end.first) ?? 0) + 1);
    struck += end.struck;
    violations.push(...end.violations);
    if (index % 50 === 49) say(`cells: ${index + 1} of ${cells.length}`);
  }
  const told = [...ends].map(([end, times]) => `${end} ${times}`).join(', ');
  return {
    figures: [
      `cells: ${cells.length} of an operation under a fault; ${struck} requests struck; the calls under the fault: ${told}; the same calls again: all right but what is said below`,
    ],
    violations,
  };
}

function drawn(cells: readonly Cell[], count: number | null, random: () => number) {
  if (count === null) return cells;
  return cells
    .map((cell) => ({ cell, at: random() }))
    .sort((one, other) => one.at - other.at)
    .slice(0, count)
    .map(({ cell }) => cell);
}

async function spoilServing({ seed, count, say }: ChaosGiven): Promise<ChaosResult> {
  const { s3 } = await testServers();
  await using proxy = await startTcpProxy(Number(new URL(s3.endpoint).port));
  const faults = Object.keys(FAULTS).slice(0, count ?? undefined);
  const random = seededRandom(seed);
  const end = await attackServing({ s3, proxy, random, faults, say });
  return {
    figures: [
      `serving: ${end.answers} answers of ${end.versions} versions under ${faults.length} faults, none wrong and none missing but what is said below; the new version answered at the latest ${end.slowestMs.toFixed(0)} ms after a fault was gone`,
    ],
    violations: end.violations,
  };
}

async function killTheStore({ seed, settings, say }: ChaosGiven): Promise<ChaosResult> {
  const kills = settings['kills'] ?? STORE_KILLS;
  const end = await killStore({ kills, random: seededRandom(seed), say });
  return {
    figures: [
      `kills: ${kills} of the store among writers; ${end.acknowledged} writes acknowledged, ${end.failed} calls failed with a type and were made again, ${end.reads} verified reads`,
    ],
    violations: end.violations,
  };
}
