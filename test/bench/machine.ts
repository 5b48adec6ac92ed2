import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** Where figures were taken: without it they say nothing. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

/** Processes that wanted a core in the last minute, on average; this one's own are among them. */
export function loadNow(): number {
  return Math.round((loadavg()[0] ?? Number.NaN) * 10) / 10;
}
