import { judgeWindow } from '../domain/monitor/judge-window.js';
import { liveVersionOf } from '../domain/live-state.js';
import type { MonitorPlan } from '../domain/monitor/plan.js';
import type { JudgedRow } from '../domain/monitor/step.js';
import type { PredictionReader, WindowStore } from '../domain/ports/monitoring.js';
import type { Registry } from '../domain/ports/registry.js';
import type { ReferenceProfile } from '../domain/monitor/reference-profile.js';
import { rowOfWindow, type Window } from '../domain/monitor/window.js';
import { WindowCounter } from '../domain/monitor/window-tally.js';

export interface WindowPorts {
  readonly registry: Registry;
  readonly predictions: PredictionReader;
  readonly windows: WindowStore;
}

/** The version that serves, with the profile that its evidence leads to. */
interface Watched {
  readonly version: number;
  readonly digest: string;
  readonly since: string;
  readonly profile: { digest: string; document: ReferenceProfile } | null;
}

/** Judges a span of the prediction log against the live version's profile, reading one object at a time. */
export async function judgeSpan(
  ports: WindowPorts,
  given: { model: string; fromMs: number; untilMs: number; keep: boolean; plan: MonitorPlan },
  progress: (detail: unknown) => void,
): Promise<JudgedRow> {
  const { model, keep, plan } = given;
  const span = { fromMs: given.fromMs, untilMs: given.untilMs };
  const before = keep ? await ports.windows.window(model, span.fromMs) : null;
  if (before !== null) return judgedRow(before);
  const watched = await watchedVersion(ports.registry, model);
  const counter = new WindowCounter(
    span,
    watched && { digest: watched.digest, profile: watched.profile?.document ?? null },
  );
  let malformed = 0;
  for await (const batch of ports.predictions.batches(model, span)) {
    for (const line of batch.lines) counter.add(line);
    malformed += batch.malformed;
    progress({ lines: batch.lines.length });
  }
  const window = judgeWindow({
    ...{ model, span, judgedAtMs: Date.now(), live: watched, profile: watched?.profile ?? null },
    ...{ tally: counter.tally(), malformed },
    checks: plan.windows?.checks ?? [],
    minSample: plan.windows?.minSample ?? 1,
  });
  return judgedRow(keep ? await ports.windows.put(window) : window);
}

function judgedRow(window: Window): JudgedRow {
  const checks = window.checks.map(({ check, verdict, reason }) => ({ check, verdict, reason }));
  return { row: rowOfWindow(window), checks };
}

async function watchedVersion(registry: Registry, model: string): Promise<Watched | null> {
  const live = await registry.live(model);
  const served = live === null ? null : liveVersionOf(live.state);
  if (served === null) return null;
  const { version, digest, since } = served;
  const evidence = await registry.evidence(model, digest, served.evidence);
  const report =
    evidence === null ? null : await registry.testReport(model, digest, evidence.testReport);
  const named = report?.profile;
  const document = named === undefined ? null : await registry.profile(model, digest, named);
  const profile = named === undefined || document === null ? null : { digest: named, document };
  return { version, digest, since, profile };
}
