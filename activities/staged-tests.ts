import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { measurementSchema, type Measurement } from '../domain/gate.js';
import type { Candidate, Staged } from '../domain/lifecycle.js';
import {
  referenceProfileSchema,
  type ReferenceProfile,
} from '../domain/monitor/reference-profile.js';
import type { Registry } from '../domain/ports/registry.js';
import {
  qualityPlotsSchema,
  systemPlotsSchema,
  type PlotData,
} from '../domain/report/plot-data.js';
import type { ModelSpec } from '../domain/spec.js';
import type { Calls } from '../domain/twin.js';
import { comparedTwinSchema } from './measure-twin.js';
import { mintNonce } from './nonce.js';
import { COMPARED, MEASUREMENTS, NONCE, OF_TWIN, PLOTS, PROFILE } from './staged-names.js';
import { inWorkFolder } from './work-folder.js';

/** What was measured of one file of a version. */
export interface MeasuredVariant {
  readonly artifact: string;
  readonly measurements: readonly Measurement[];
  readonly profile: ReferenceProfile | null;
  /** Null where it was measured by workers that are older than plots. */
  readonly plots: PlotData | null;
}

/** All that the measuring activities found. */
export interface StagedTests {
  readonly full: MeasuredVariant;
  readonly twin: {
    readonly variant: MeasuredVariant;
    /** The twin against the full model. */
    readonly compared: readonly Measurement[];
    readonly calls: Calls | null;
  } | null;
  readonly nonce: string;
}

/** Fetches what the measuring activities staged. */
export async function fetchTests(
  ports: { readonly registry: Registry; readonly workRoot: string },
  given: {
    readonly spec: ModelSpec;
    readonly candidate: Candidate;
    readonly system: Staged;
    readonly quality: Staged;
  },
): Promise<StagedTests> {
  const { candidate, system, quality } = given;
  return inWorkFolder(ports.workRoot, async (folder) => {
    const places = {
      system: { staged: system, directory: await folder('system') },
      quality: { staged: quality, directory: await folder('quality') },
    };
    for (const { staged, directory } of Object.values(places)) {
      await ports.registry.fetchStaged(staged, directory);
    }
    const about = { model: given.spec.model, manifest: candidate.digest };
    const twin = candidate.twin?.kind === 'made' ? candidate.twin.artifact : null;
    return {
      full: await variantOf(places, { ...about, artifact: candidate.artifact, before: '' }),
      twin: twin === null ? null : await twinOf(places, { ...about, artifact: twin }),
      nonce: (await textOf(places.quality, NONCE)) ?? mintNonce(),
    };
  });
}

interface Place {
  readonly staged: Staged;
  readonly directory: string;
}
type Places = Readonly<Record<'system' | 'quality', Place>>;

async function variantOf(
  { system, quality }: Places,
  about: { model: string; manifest: string; artifact: string; before: string },
): Promise<MeasuredVariant> {
  const { model, manifest, artifact, before } = about;
  const measured = async (place: Place) =>
    (await jsonOf(place, `${before}${MEASUREMENTS}`, z.array(measurementSchema))) ?? [];
  const plots: PlotData = {
    ...{ schemaVersion: 1, model, manifest },
    quality: await jsonOf(quality, `${before}${PLOTS}`, qualityPlotsSchema),
    system: await jsonOf(system, `${before}${PLOTS}`, systemPlotsSchema),
  };
  const isWithout = plots.quality === null && plots.system === null;
  return {
    artifact,
    measurements: [...(await measured(system)), ...(await measured(quality))],
    profile: await jsonOf(quality, `${before}${PROFILE}`, referenceProfileSchema),
    plots: isWithout ? null : plots,
  };
}

async function twinOf(
  places: Places,
  about: { model: string; manifest: string; artifact: string },
): Promise<NonNullable<StagedTests['twin']>> {
  const [runs, answers] = [
    await jsonOf(places.system, COMPARED, comparedTwinSchema),
    await jsonOf(places.quality, COMPARED, comparedTwinSchema),
  ];
  return {
    variant: await variantOf(places, { ...about, before: OF_TWIN }),
    compared: [...(runs?.measurements ?? []), ...(answers?.measurements ?? [])],
    calls: runs?.calls ?? null,
  };
}

/** A file that an activity staged; null where it staged none of that name. */
async function textOf({ staged, directory }: Place, file: string): Promise<string | null> {
  if (!staged.files.some(({ path }) => path === file)) return null;
  return readFile(join(directory, file), 'utf8');
}

async function jsonOf<T>(place: Place, file: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await textOf(place, file);
  return text === null ? null : schema.parse(JSON.parse(text));
}
