import { thisMachine } from '../bench/machine.js';
import { joined, LIMITS } from '../long-life/figures.js';
import { liveALivePointersYear, type LiveYear } from '../long-life/live-year.js';
import { liveAMonitorsYear, type MonitorYear } from '../long-life/monitor-year.js';

/** As the pointer's owner lives: about seven changes a day. */
const YEAR = { days: 365, perDay: 3 } as const;

const FEWEST_CONTINUED = 20;

/** A figure, and what it must be. */
interface Held {
  readonly what: string;
  readonly value: number;
  readonly isMet: boolean;
  readonly target: string;
}

/**
 * `npm run check -- limits`: a year of the clock of `monitorModel`, with hourly windows, and of `liveModel`, with a fallback sent into
 * the end of each run. Exit code 1 where one figure is beyond its limit, a fallback is lost, or a history does not replay.
 */
async function main(): Promise<void> {
  const { cores, processor, node } = thisMachine();
  process.stdout.write(`${cores} cores of ${processor}, Node ${node}\n`);
  const startedAt = Date.now();
  const said = (what: string) => () => {
    process.stderr.write(`${what} after ${seconds(startedAt)} s\n`);
  };
  const [monitor, live] = await Promise.allSettled([
    liveAMonitorsYear(1).finally(said('the monitor’s year is over')),
    liveALivePointersYear(YEAR).finally(said('the pointer’s year is over')),
  ]);
  const failures = [monitor, live].flatMap((each) =>
    each.status === 'rejected' ? [String(each.reason)] : [],
  );
  for (const failure of failures) process.stdout.write(`${failure}\n`);
  const held =
    monitor.status === 'fulfilled' && live.status === 'fulfilled'
      ? holdAgainst(monitor.value, live.value)
      : [];
  const isMet = failures.length === 0 && held.every((each) => each.isMet);
  for (const each of held) process.stdout.write(`${lineOf(each)}\n`);
  process.stdout.write(`${seconds(startedAt)} s\n${isMet ? 'PASS' : 'FAIL'}\n`);
  process.exitCode = isMet ? 0 : 1;
}

function holdAgainst(monitor: MonitorYear, live: LiveYear): readonly Held[] {
  const both = joined(monitor, live);
  const { sent, answered } = live.fallbacks;
  const atMost = (what: string, value: number, limit: number): Held => ({
    ...{ what, value, isMet: value <= limit, target: `at most ${limit}` },
  });
  const atLeast = (what: string, value: number, limit: number): Held => ({
    ...{ what, value, isMet: value >= limit, target: `at least ${limit}` },
  });
  return [
    atLeast('days of the clock', Math.min(monitor.days, live.days), 365),
    atLeast('hourly windows judged, each once', monitor.windows, 363 * 24 - 2),
    atLeast('retrainings that the monitor started', monitor.retrainings, 1),
    atLeast('changes of the pointer', live.changes, 1),
    atLeast('runs continued as new, monitor', monitor.continued, FEWEST_CONTINUED),
    atLeast('runs continued as new, pointer', live.continued, FEWEST_CONTINUED),
    atLeast('fallbacks sent', sent + monitor.fallbacks, 1),
    atLeast('of them into the end of a run, one each', live.intoAnEnd, live.continued),
    atLeast('fallbacks answered', answered + monitor.fallbacks, sent + monitor.fallbacks),
    atMost('fallbacks lost', sent - answered, 0),
    atLeast('requests repeated to a later run, nothing written', live.repeated, live.intoAnEnd),
    atMost('largest carried state, bytes', both.largestCarried, LIMITS.largestCarried),
    atMost('largest payload in a history, bytes', both.largestPayload, LIMITS.largestPayload),
    atMost('most events of a run', both.mostEvents, LIMITS.mostEvents),
  ];
}

function lineOf({ what, value, isMet, target }: Held): string {
  return `${isMet ? 'ok    ' : 'MISSED'} ${what}: ${value} (${target})`;
}

function seconds(sinceMs: number): number {
  return Math.round((Date.now() - sinceMs) / 1_000);
}

await main();
process.exit(); // a worker's connection to a server that has gone would try on
