import type { TestReport } from '../domain/evidence.js';
import { PortError } from '../domain/failures.js';
import type { Candidate } from '../domain/lifecycle.js';
import type { Registry } from '../domain/ports/registry.js';
import { assembleReport } from '../domain/report/evidence-report.js';
import type { PlotData } from '../domain/report/plot-data.js';
import { renderReport } from '../domain/report/render-report.js';

/**
 * Renders the page of a version that was just tested, stores it beside the version, and resolves to its digest, for the evidence to
 * name: so a decision is bound to what people read. It shows no decision, for none was made yet.
 */
export async function storePage(
  registry: Registry,
  given: {
    readonly candidate: Candidate;
    readonly report: TestReport;
    readonly plots: PlotData | null;
    readonly roles: readonly string[];
  },
): Promise<string> {
  const { candidate, report, plots, roles } = given;
  const { model, baseline } = report;
  const { digest, version } = candidate;
  const [registered, before, parity] = await Promise.all([
    registry.versionByDigest(model, digest),
    baseline === null ? null : registry.versionByDigest(model, baseline),
    registry.parityReport(model, digest, candidate.parityReport),
  ]);
  if (registered === null) {
    throw new PortError('UnknownVersion', `model "${model}" has no version ${digest}`, {
      details: { model, digest },
    });
  }
  const page = renderReport(
    assembleReport({
      ...{ version, digest, manifest: registered.manifest, report, plots, parity, roles },
      baselineVersion: before?.version ?? null,
    }),
  );
  return registry.putPage(model, digest, page);
}
