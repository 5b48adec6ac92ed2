import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPortError } from '../domain/failures.js';
import type { Measurement } from '../domain/gate.js';
import { referenceProfileOf } from '../domain/monitor/reference-profile.js';
import type { Row, Snapshots } from '../domain/ports/dataset-source.js';
import type { Registry } from '../domain/ports/registry.js';
import type { Predictions } from '../domain/predictions.js';
import { measureQuality } from '../domain/quality.js';
import { measureRegressions, unreadRegressions } from '../domain/regressions.js';
import { measureQualityPlots } from '../domain/report/measure-plots.js';
import type { ModelSpec } from '../domain/spec.js';
import { measureOwn, type ProjectMetrics } from './measure-own.js';
import { MEASUREMENTS, PLOTS, PROFILE } from './staged-names.js';

/** The rows that closed follow-ups left, each once; or why they cannot be read. */
export type KeptRows = { readonly rows: readonly Row[] } | { readonly unread: string };

/** Reads the rows that every candidate must answer right. */
export async function readKeptRows(
  { registry, snapshots }: { readonly registry: Registry; readonly snapshots: Snapshots },
  model: string,
): Promise<KeptRows> {
  const rows = new Map<string, Row>();
  try {
    for (const { snapshot } of await registry.regressions(model)) {
      for (const row of await snapshots.rowsLeft(snapshot)) rows.set(`${row.id} ${row.text}`, row);
    }
  } catch (error) {
    // who deleted or changed them by hand is asked what that was for
    if (!isPortError(error) || error.kind !== 'terminal') throw error;
    return { unread: error.message };
  }
  return { rows: [...rows.values()] };
}

/** Answers of a version's file, and what they are held against. */
export interface Answered {
  readonly spec: ModelSpec;
  /** Digest of the version. */
  readonly manifest: string;
  readonly heldOut: { readonly digest: string; readonly rows: readonly Row[] };
  readonly candidate: Predictions;
  readonly baseline: Predictions | null;
  readonly kept: KeptRows;
  /** Its answers to the kept rows. */
  readonly toKept: Predictions | null;
}

/** Measures how right answers are, and writes that with the reference profile and what plots are drawn of into a folder. */
export async function writeAnswers(
  metrics: ProjectMetrics,
  given: Answered,
  place: { readonly folder: string; readonly before: string },
): Promise<void> {
  const { spec, manifest, heldOut, candidate, baseline } = given;
  const { model } = spec;
  const { rows } = heldOut;
  const write = (name: string, content: unknown) =>
    writeFile(join(place.folder, `${place.before}${name}`), JSON.stringify(content));
  const about = { model, manifest, heldOut: heldOut.digest };
  const profile = referenceProfileOf({ ...about, rows, predictions: candidate });
  if (profile !== null) await write(PROFILE, profile);
  const compared = { rows, candidate, baseline };
  await write(PLOTS, measureQualityPlots(compared));
  const { resamples, confidence } = spec.test;
  await write(MEASUREMENTS, [
    ...measureQuality({ ...compared, resamples, confidence, seed: spec.train.seed }),
    ...(await measureOwn(metrics, { ...compared, spec })),
    ...keptMeasurements(given),
  ]);
}

/** Nothing, where there are no such rows. */
function keptMeasurements({ kept, toKept }: Answered): readonly Measurement[] {
  if ('unread' in kept) return [unreadRegressions(kept.unread)];
  return toKept === null ? [] : [measureRegressions(kept.rows, toKept)];
}
