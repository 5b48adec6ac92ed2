import { z } from 'zod';
import { digestOfBytes } from '../../domain/digest.js';
import {
  evidenceSchema,
  parityReportSchema,
  testReportSchema,
  type Evidence,
  type ParityReport,
  type TestReport,
} from '../../domain/evidence.js';
import {
  referenceProfileSchema,
  type ReferenceProfile,
} from '../../domain/monitor/reference-profile.js';
import { PortError } from '../../domain/failures.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { EvidenceDocument } from '../../domain/ports/registry.js';
import { plotDataSchema, type PlotData } from '../../domain/report/plot-data.js';
import { tombstoneSchema } from '../../domain/forgetting.js';
import { evidenceKey, evidenceTombstoneKey, pageKey } from './keys.js';
import { encodeJson, missingObject, parseStored, verifyBytes } from './stored-json.js';

/** Everything that lies beside a version as JSON. */
export const documentSchema = z.union([
  evidenceSchema,
  testReportSchema,
  parityReportSchema,
  referenceProfileSchema,
  plotDataSchema,
]);

/** Reports and evidence: immutable, each under the digest of its own bytes, beside the version they are about. */
export class EvidenceFiles {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async put(model: string, manifestDigest: string, given: EvidenceDocument): Promise<string> {
    const parsed = documentSchema.safeParse(given);
    if (!parsed.success) {
      throw new PortError(
        'EvidenceInvalid',
        `a report of model "${model}" is wrong: ${parsed.error.message}`,
      );
    }
    belongs(parsed.data, model, manifestDigest);
    const bytes = encodeJson(parsed.data);
    const digest = digestOfBytes(bytes);
    await this.#put(evidenceKey(model, manifestDigest, digest), bytes, digest);
    return digest;
  }

  async putPage(model: string, manifestDigest: string, page: string): Promise<string> {
    const bytes = new TextEncoder().encode(page);
    const digest = digestOfBytes(bytes);
    await this.#put(pageKey(model, manifestDigest, digest), bytes, digest);
    return digest;
  }

  /** Nothing ever replaces evidence, whatever a tombstone says: approvals name its digest, and it shows nobody's inputs. */
  async evidence(model: string, manifestDigest: string, digest: string): Promise<Evidence | null> {
    return this.#readOriginal(model, manifestDigest, digest, evidenceSchema);
  }

  async testReport(
    model: string,
    manifestDigest: string,
    digest: string,
  ): Promise<TestReport | null> {
    return this.#read(model, manifestDigest, digest, testReportSchema);
  }

  async profile(
    model: string,
    manifestDigest: string,
    digest: string,
  ): Promise<ReferenceProfile | null> {
    return this.#read(model, manifestDigest, digest, referenceProfileSchema);
  }

  async parityReport(
    model: string,
    manifestDigest: string,
    digest: string,
  ): Promise<ParityReport | null> {
    return this.#read(model, manifestDigest, digest, parityReportSchema);
  }

  async plots(model: string, manifestDigest: string, digest: string): Promise<PlotData | null> {
    return this.#read(model, manifestDigest, digest, plotDataSchema);
  }

  async #put(key: string, bytes: Uint8Array, digest: string): Promise<void> {
    const result = await this.#store.put(key, bytes, 'absent');
    if (result.kind === 'conflict') await this.#mustHold(key, digest);
  }

  async #read<T extends { readonly model: string; readonly manifest?: string }>(
    model: string,
    manifestDigest: string,
    digest: string,
    schema: z.ZodType<T>,
  ): Promise<T | null> {
    const original = await this.#readOriginal(model, manifestDigest, digest, schema);
    if (original !== null) return original;
    const replacedBy = await this.#replacementOf(model, manifestDigest, digest);
    return replacedBy === null ? null : this.#read(model, manifestDigest, replacedBy, schema);
  }

  async #readOriginal<T extends { readonly model: string; readonly manifest?: string }>(
    model: string,
    manifestDigest: string,
    digest: string,
    schema: z.ZodType<T>,
  ): Promise<T | null> {
    const key = evidenceKey(model, manifestDigest, digest);
    const stored = await this.#store.get(key);
    if (stored === null) return null;
    verifyBytes(key, stored.bytes, digest);
    const document = parseStored(key, stored.bytes, schema);
    belongs(document, model, manifestDigest);
    return document;
  }

  /** The copy without a forgotten person's inputs: numbers and verdict are the original's. */
  async #replacementOf(model: string, manifest: string, digest: string): Promise<string | null> {
    const key = evidenceTombstoneKey(model, manifest, digest);
    const stored = await this.#store.get(key);
    return stored === null ? null : parseStored(key, stored.bytes, tombstoneSchema).replacedBy;
  }

  async #mustHold(key: string, digest: string): Promise<void> {
    const stored = await this.#store.get(key);
    if (stored === null) throw missingObject(key, 'it was removed just now; try again');
    verifyBytes(key, stored.bytes, digest);
  }
}

/** Evidence of one model or version must not be shown as another's. */
function belongs(
  document: { readonly model: string; readonly manifest?: string },
  model: string,
  manifestDigest: string,
): void {
  const version = document.manifest ?? manifestDigest;
  if (document.model === model && version === manifestDigest) return;
  throw new PortError(
    'EvidenceInvalid',
    `a report is about ${document.model} ${version.slice(0, 12)}, but was put beside ${model} ${manifestDigest.slice(0, 12)}`,
  );
}
