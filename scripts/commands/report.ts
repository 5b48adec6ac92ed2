import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readReport, type ReadReport } from '../../adapters/registry/read-report.js';
import { pageKeyOf } from '../../domain/evidence.js';
import { PortError } from '../../domain/failures.js';
import { shortDigest } from '../../domain/names.js';
import type { RegisteredVersion } from '../../domain/ports/registry.js';
import { renderReport } from '../../domain/report/render-report.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { findVersion, openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { openInBrowser } from './terminal/open-in-browser.js';
import { findPlace, pageOf } from './terminal/place.js';
import { UsageError } from './terminal/usage-error.js';
import { size, typed } from './terminal/words.js';

/** Git leaves it alone: a page shows what people wrote. */
const FOLDER = join('.switchyard', 'reports');

/** `switchyard report <model> <n>`: what a version was judged by, as a page that stands alone. */
export const runReport = defineCommand({
  name: 'report',
  takes: '<model> <n>',
  summary: 'the page of what a version was judged by and who decided; opens it in the browser',
  more: [
    'It needs the bucket only, not Temporal. The page stands alone: no script, nothing fetched. It shows what people wrote, so keep',
    `it where they may be read; it is written to ${join(FOLDER, '<model>-<n>.html')} where --out is left out.`,
  ],
  options: {
    out: { type: 'string', value: 'FILE', about: 'where to write it' },
    'no-open': { type: 'boolean', about: 'writes it only' },
    evidence: {
      type: 'string',
      value: 'DIGEST',
      about: 'of a version that was tested several times; the newest where left out',
    },
  },
  run: async ({ values, words: [model = '', word = ''], terminal }) => {
    const { evidence: wanted = '' } = values;
    if (!/^[0-9a-f]{0,64}$/.test(wanted)) {
      throw new UsageError(`--evidence takes the beginning of a digest, not "${wanted}"`);
    }
    const place = await findPlace();
    const bucket = openBucket(place);
    const found = await terminal.during(
      `reading ${bucket.name}`,
      findVersion(bucket, place, model, word),
    );
    const reading = readReport(bucket, found, wanted);
    const read = readable(await terminal.during('reading its evidence', reading), found, wanted);
    const html = renderReport(read.report);
    const file = resolve(values.out ?? join(FOLDER, `${model}-${found.version}.html`));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, html);
    const isShown = !values['no-open'] && !terminal.json && (await openInBrowser(file));
    const isOpen = values['no-open'] || terminal.json || isShown;
    const bytes = Buffer.byteLength(html);
    const { evidence, page, others, report } = read;
    const again = (digest: string) =>
      typed('report', model, word, '--evidence', shortDigest(digest));
    return {
      lines: [
        file,
        `${model} version ${found.version}: ${report.verdict}; ${size(bytes)}, by evidence ${shortDigest(evidence)}`,
        ...(page === null ? [] : [`stored as ${pageKeyOf(model, found.digest, page)}`]),
        ...(isOpen ? [] : ['no browser opens here: open the file yourself']),
      ],
      facts: {
        ...{ model, version: found.version, digest: found.digest, evidence, file, bytes },
        ...{ verdict: report.verdict, others, isShown },
        stored: page === null ? null : pageKeyOf(model, found.digest, page),
      },
      webUi: pageOf(place, liveWorkflowId(model)),
      next: [typed('show', model, word), ...others.slice(0, 3).map(again)],
    };
  },
});

/** @throws PortError where there is nothing to show, with what to type. */
function readable(
  read: ReadReport,
  { version, digest, manifest: { model } }: RegisteredVersion,
  wanted: string,
): Extract<ReadReport, { kind: 'read' }> {
  if (read.kind === 'read') return read;
  const subject = `${model} version ${version}`;
  if (read.kind === 'gone') {
    const key = `${shortDigest(digest)}/${shortDigest(read.testReport)}`;
    const why = read.isForgotten
      ? `the test report of ${subject} (${key}) was replaced when a person was forgotten, and what replaces it is not there`
      : `the test report of ${subject} (${key}) is not there`;
    throw new PortError('EvidenceInvalid', `${why}: type ${typed('verify', model)}`);
  }
  if (wanted !== '' && read.others.length > 0) {
    const all = read.others.map(shortDigest).join(', ');
    throw new PortError(
      'InvalidRequest',
      `${subject} has no evidence ${shortDigest(wanted)}, only ${all}: type ${typed('report', model, String(version))}`,
    );
  }
  throw new PortError(
    'UnknownVersion',
    `${subject} has no test report: its test is not over, or retention has deleted it; type ${typed('show', model, String(version))}`,
  );
}
