import { testReportsOf } from '../../adapters/registry/test-reports.js';
import type { TestReport } from '../../domain/evidence.js';
import { shortDigest } from '../../domain/names.js';
import type { RegisteredVersion } from '../../domain/ports/registry.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { findVersion, openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { gateLines } from './terminal/lifecycle-answer.js';
import { findPlace, pageOf } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import { size, typed } from './terminal/words.js';
import { markOf } from './versions.js';

/** `switchyard show <model> <n>`: what a version is made of, where it comes from, and how it was judged. */
export const runShow = defineCommand({
  name: 'show',
  takes: '<model> <n>',
  summary: 'one version: files, contract, lineage, metrics, and the gates it was judged by',
  options: {},
  run: async ({ words: [model = '', word = ''], terminal }) => {
    const place = await findPlace();
    const bucket = openBucket(place);
    const reading = findVersion(bucket, place, model, word);
    const found = await terminal.during(`reading ${bucket.name}`, reading);
    const { version, digest, manifest } = found;
    const [reports, live] = await Promise.all([
      testReportsOf(bucket.store, model, digest),
      bucket.registry.live(model),
    ]);
    const served = live?.state.served.find((each) => each.digest === digest) ?? null;
    const is = markOf(digest, live?.state ?? null);
    return {
      lines: [
        `${model} version ${version}${is === null ? '' : `, ${is}`}`,
        ...renderTable(describeVersion(found)),
        ...(served?.decisions ?? []).map(
          ({ role, decision, by, reason }) => `${decision} by ${by} (${role}): ${reason}`,
        ),
        ...reportLines(reports[0]),
      ],
      facts: { model, version, digest, is, manifest, served, report: reports[0] ?? null },
      webUi: pageOf(place, liveWorkflowId(model)),
      next: [
        typed('pull', model, String(version), '--out', `${model}-${version}`),
        ...(version > 1 ? [typed('diff', model, String(version - 1), String(version))] : []),
      ],
    };
  },
});

function describeVersion({ digest, manifest }: RegisteredVersion): readonly (readonly string[])[] {
  const { files, contract, graph, runtime, lineage, metrics } = manifest;
  const tensors = (specs: typeof contract.inputs) =>
    specs
      .map(({ name, datatype, shape }) => `${name} ${datatype} [${shape.join(', ')}]`)
      .join(', ');
  const pairs = (object: Readonly<Record<string, unknown>>) =>
    Object.entries(object)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ') || '-';
  return [
    ['digest', digest],
    ...files.map(({ path, bytes, sha256 }) => [
      'file',
      `${path}, ${size(bytes)}, sha256 ${sha256}`,
    ]),
    ['inputs', tensors(contract.inputs)],
    ['outputs', tensors(contract.outputs)],
    ['labels', contract.labels.join(', ')],
    ['graph', `opset ${graph.opset}, ${graph.producer}, ${runtime.name} ${runtime.version}`],
    ['data', lineage.data.map(shortDigest).join(', ')],
    [
      'trainer',
      `${lineage.trainer}, lock ${shortDigest(lineage.trainerLock)}, code ${shortDigest(lineage.code)}`,
    ],
    ['parameters', `${pairs(lineage.parameters)}; seed ${lineage.seed}`],
    ['parents', lineage.parents.map(shortDigest).join(', ') || '-'],
    ['metrics', pairs(metrics)],
  ].map(([name = '', value = '']) => [`  ${name}`, value]);
}

function reportLines(report: TestReport | undefined): readonly string[] {
  if (report === undefined) return ['it was not tested, or its reports were deleted'];
  const against = report.baseline === null ? '' : `, against ${shortDigest(report.baseline)}`;
  return [
    `tested on rows ${shortDigest(report.heldOut)}${against}: ${report.verdict}`,
    ...gateLines(report.results),
  ];
}
