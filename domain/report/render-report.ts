import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { calibrationSection, confusionSection } from './answer-sections.js';
import type { EvidenceReport } from './evidence-report.js';
import { markup, NOTHING, type Html } from './html.js';
import { decisionsSection, inputsSection, lineageSection } from './origin-sections.js';
import { PAGE_STYLE } from './page-style.js';
import { latencySection, memorySection, paritySection } from './system-sections.js';
import { twinSection } from './twin-section.js';
import {
  comparisonSection,
  gatesSection,
  measuredSection,
  slicesSection,
  verdictMark,
} from './verdict-sections.js';

/** No page is larger, in bytes; the bounds of its lists and texts see to it. */
export const PAGE_LIMIT_BYTES = 300_000;

/** Nothing is fetched, sent or run, and no style counts but this very sheet. */
const POLICY = `default-src 'none'; style-src 'sha256-${hashOf(PAGE_STYLE.toString())}'; base-uri 'none'; form-action 'none'`;
const SECTIONS: readonly ((report: EvidenceReport) => Html)[] = [
  ...[gatesSection, twinSection, comparisonSection, inputsSection, slicesSection],
  ...[confusionSection],
  ...[calibrationSection, latencySection, memorySection, paritySection, measuredSection],
  ...[decisionsSection, lineageSection],
];

/**
 * A tested version as one page that stands alone: no script, nothing fetched, for light, dark and paper. The same report gives the same
 * bytes.
 */
export function renderReport(report: EvidenceReport): string {
  const title = `${report.model} version ${report.version}: ${report.verdict}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header><h1>${report.model} version ${report.version}: ${verdictMark(report.verdict)}</h1>
<p class="soft">${summaryOf(report)}</p></header>
<main>
${SECTIONS.map((render) => render(report)).filter((part) => part !== NOTHING)}
</main>
</body>
</html>
`.toString();
}

function summaryOf({ gates, baseline, slices }: EvidenceReport): string {
  const counts = new Map<string, number>();
  for (const { verdict } of gates.shown) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const judged = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  const against =
    baseline === null
      ? 'nothing was live'
      : `compared with ${baseline.version === null ? baseline.digest.slice(0, 12) : `version ${baseline.version}`}`;
  const sliced = slices.shown.length + slices.more;
  return `Gates: ${judged || 'none'}; ${against}; ${sliced} slices.`;
}

function hashOf(text: string): string {
  return btoa(String.fromCharCode(...sha256(utf8ToBytes(text))));
}
