/** Loaded by an endpoint ahead of its program: at each SIGUSR2 it writes how late its event loop was since the last one, and begins anew. */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const FILE = process.env.BENCH_LOOP_DELAY;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

process.on('SIGUSR2', () => {
  const said = { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 };
  delay.reset();
  writeFileSync(`${FILE}.new`, JSON.stringify(said));
  renameSync(`${FILE}.new`, FILE);
});
