import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProcess } from '../../scripts/servers/child-process.js';
import type { WorkerOptions, World } from './world.js';

/** A worker process that is started again whenever it dies. */
export interface KeptWorker extends AsyncDisposable {
  /** How often it died. */
  readonly deaths: number;
  stop(): Promise<void>;
}

/** Starts a worker; resolves when the first one polls. */
export async function keepWorker(
  world: World,
  options: WorkerOptions,
  afterDeath: WorkerOptions = options,
): Promise<KeptWorker> {
  let current: ServerProcess = await world.startWorker(options);
  let [isStopping, deaths] = [false, 0];
  const keeping = (async () => {
    for (;;) {
      await current.ended;
      if (isStopping) return;
      deaths += 1;
      current = await again(world, afterDeath);
    }
  })();
  keeping.catch(() => undefined); // whoever stops it hears of it
  const stop = async () => {
    isStopping = true;
    await current.stop();
    await keeping;
  };
  return {
    get deaths() {
      return deaths;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const STARTS = 5;

/** A failpoint may kill it before it says that it polls. */
async function again(world: World, options: WorkerOptions): Promise<ServerProcess> {
  for (let start = 1; ; start += 1) {
    try {
      return await world.startWorker(options);
    } catch (error) {
      if (start === STARTS) throw error;
      await pause(100);
    }
  }
}

/** Runs work on a number of lanes, each with the next piece when it has ended the one before; in order of the list. */
export async function onLanes<Piece>(
  pieces: readonly Piece[],
  lanes: number,
  work: (piece: Piece, lane: number) => Promise<void>,
): Promise<void> {
  const waiting = [...pieces];
  const run = async (lane: number) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await work(next, lane);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, pieces.length) }, (_, lane) => run(lane)));
}
