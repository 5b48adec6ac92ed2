import { testReportSchema, type TestReport } from '../../domain/evidence.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import { documentsBeside } from './documents-beside.js';

/** Every test report that lies beside a version, newest first, each verified by its digest. */
export async function testReportsOf(
  store: ObjectStore,
  model: string,
  digest: string,
): Promise<readonly TestReport[]> {
  const reports = await documentsBeside(store, { model, digest }, testReportSchema);
  return reports.map(({ document }) => document);
}
