import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerProcess } from '../../scripts/servers/child-process.js';
import { kill, type WorkerOptions, type World } from './world.js';

/** A worker process that is started again whenever it dies. */
export interface KeptWorker extends AsyncDisposable {
  /** How often it died, and how each time. */
  readonly deaths: number;
  readonly endings: readonly string[];
  /** SIGKILL; resolves when the next one polls. */
  replace(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a worker; resolves when the first one polls. */
export async function keepWorker(
  world: World,
  options: WorkerOptions,
  afterDeath: WorkerOptions = options,
): Promise<KeptWorker> {
  let current: ServerProcess = await world.startWorker(options);
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  const endings: string[] = [];
  const replaced = new EventEmitter();
  const keeping = (async () => {
    for (;;) {
      await current.ended;
      if (isStopping()) return;
      endings.push(current.ending());
      current = await again(world, afterDeath);
      replaced.emit('replaced');
      if (isStopping()) await current.stop(); // it was told to while it was on its way
    }
  })();
  keeping.catch(() => undefined); // whoever stops it hears of it
  const stop = async () => {
    stopping.abort();
    await current.stop();
    await keeping;
  };
  return {
    get deaths() {
      return endings.length;
    },
    endings,
    replace: async () => {
      const next = once(replaced, 'replaced');
      await kill(current);
      await next;
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
