import type { Finding } from '../../domain/gate.js';
import type { LifecycleOutcome } from '../../domain/lifecycle.js';
import { shortDigest } from '../../domain/names.js';
import { renderTable } from '../commands/terminal/table.js';
import type { Carried } from './carry.js';
import type { Story } from './story.js';

/** Failing inputs that the text shows of each candidate; the JSON has more, the report in S3 all. */
const INPUTS_SHOWN = 4;

/** One line of the table of what happened. */
interface SummaryRow {
  readonly title: string;
  readonly version: number | null;
  readonly digest: string | null;
  readonly outcome: LifecycleOutcome['outcome'];
  /** Gates by verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly decidedBy: readonly string[];
  /** Why it is live, or why not. */
  readonly why: string;
  readonly seconds: number;
  readonly url: string;
  readonly findings: readonly Finding[];
}

/** Everything that the demo shows, as one JSON object. */
export interface Summary {
  readonly lifecycles: readonly SummaryRow[];
  readonly answered: Story['answered'];
  readonly fallback: Story['fallback'];
  readonly versions: readonly string[];
  readonly endpoint: string;
  readonly webUi: string;
  /** From the command to this line; set-up apart, in seconds. */
  readonly seconds: number;
  readonly setUpSeconds: number;
}

/** Collects what happened and where to look at it. */
export function summarize(
  story: Story,
  places: {
    uiUrl: string;
    endpointUrl: string;
    bucket: string;
    seconds: number;
    setUpSeconds: number;
  },
): Summary {
  const lifecycles = story.lifecycles.map((carried) => rowOf(carried, places.uiUrl, story));
  const versions = lifecycles
    .map(({ version }) => version)
    .filter((version) => version !== null)
    .map((version) => `s3://${places.bucket}/models/tickets/versions/${version}/`);
  return {
    lifecycles,
    answered: story.answered,
    fallback: story.fallback,
    versions: [...new Set(versions)],
    endpoint: `${places.endpointUrl}/v2/models/tickets`,
    webUi: `${places.uiUrl}/namespaces/default/workflows`,
    seconds: places.seconds,
    setUpSeconds: places.setUpSeconds,
  };
}

function rowOf(
  { title, workflowId, runId, outcome, seconds }: Carried,
  uiUrl: string,
  story: Story,
): SummaryRow {
  const verdicts: Record<string, number> = {};
  for (const { verdict } of outcome.table) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  return {
    title,
    version: outcome.version,
    digest: outcome.digest,
    outcome: outcome.outcome,
    verdicts,
    decidedBy: outcome.decisions.map(({ role, by }) => `${by} (${role})`),
    why: reasonOf(outcome, story),
    seconds,
    url: `${uiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId}/history`,
    findings: outcome.outcome === 'rejected' ? outcome.findings : [],
  };
}

function reasonOf(outcome: LifecycleOutcome, story: Story): string {
  switch (outcome.outcome) {
    case 'live':
      return outcome.digest === story.fallback.from
        ? 'went live; withdrawn by the fallback'
        : 'went live; live again after the fallback';
    case 'rejected':
      return ownersOf(outcome.findings)
        .map(({ owner, metrics }) => `${metrics.join(', ')} (${owner})`)
        .join('; ');
    default:
      return outcome.reason;
  }
}

/** The table, the findings with some of their inputs, and the links, as plain text. */
export function renderSummary(summary: Summary, kept: boolean): string {
  const header = ['candidate', 'version', 'digest', 'verdicts', 'decided by', 'end', 'seconds'];
  const rows = summary.lifecycles.map((row) => [
    row.title,
    row.version === null ? '-' : String(row.version),
    row.digest === null ? '-' : shortDigest(row.digest),
    Object.entries(row.verdicts)
      .map(([verdict, count]) => `${count} ${verdict}`)
      .join(', '),
    row.decidedBy.join(', ') || '-',
    `${row.outcome}: ${row.why}`,
    row.seconds.toFixed(1),
  ]);
  return [
    ...renderTable([header, ...rows]),
    '',
    ...summary.lifecycles.flatMap(renderFindings),
    `fallback: ${shortDigest(summary.fallback.from)} -> ${shortDigest(summary.fallback.to)}, first answer ${summary.fallback.orderToFirstAnswerMs} ms after the order`,
    `endpoint: version ${summary.answered.version} answered ${summary.answered.rows} later mails, ${summary.answered.right} right`,
    `time: ${summary.seconds.toFixed(1)} s, and ${summary.setUpSeconds.toFixed(1)} s of set-up before`,
    '',
    ...summary.lifecycles.map(({ title, url }) => `${title}: ${url}`),
    `versions: ${summary.versions.join(' ')}`,
    `endpoint: ${summary.endpoint}`,
    kept
      ? 'Everything runs on until Ctrl-C.'
      : 'The servers have stopped, so these links are closed; "npm run demo -- --keep" leaves them open.',
    '',
  ].join('\n');
}

/** At most three metrics an owner, so that a line stays a line. */
function ownersOf(findings: readonly Finding[]): { owner: string; metrics: string[] }[] {
  const owners = [...new Set(findings.map(({ owner }) => owner))];
  return owners.map((owner) => {
    const all = findings.filter((each) => each.owner === owner).map(({ gate }) => gate.metric);
    const more = all.length > 3 ? [`${all.length - 3} more`] : [];
    return { owner, metrics: [...all.slice(0, 3), ...more] };
  });
}

function renderFindings({ title, findings }: SummaryRow): readonly string[] {
  if (findings.length === 0) return [];
  const inputs = new Map(
    findings.flatMap((finding) => finding.inputs.map((each) => [each.id, each])),
  );
  return [
    `${title} was rejected:`,
    ...findings.map(({ owner, reason }) => `  ${owner}: ${reason}`),
    ...[...inputs.values()]
      .slice(0, INPUTS_SHOWN)
      .map(({ id, detail, excerpt }) => `    ${id}: ${detail}: ${excerpt.slice(0, 70)}`),
    '',
  ];
}
