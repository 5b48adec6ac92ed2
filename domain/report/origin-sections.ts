import type { EvidenceReport, Fact } from './evidence-report.js';
import { markup, type Html } from './html.js';
import { andMore, section, sentence, tableOf, theirs } from './page-parts.js';

/** Bytes that each may take. */
const ID_BYTES = 160;
const EXCERPT_BYTES = 560;
const DETAIL_BYTES = 320;
const FACT_BYTES = 220;
const PERSON_BYTES = 200;
const REASON_BYTES = 1_200;
const METRICS_SHOWN = 4;

/** The inputs that count against the version, as texts that do nothing. */
export function inputsSection({ inputs }: EvidenceReport): Html {
  if (inputs.shown.length === 0) return section('Inputs', sentence('No gate shows any input.'));
  const part = (isFailing: boolean, caption: string) => {
    const rows = inputs.shown.filter((input) => input.isFailing === isFailing);
    if (rows.length === 0) return [];
    return [
      tableOf({
        caption,
        head: ['row', 'for', 'what happened', 'text'],
        rows: rows.map(({ id, excerpt, detail, metrics }) => [
          theirs(id, ID_BYTES),
          theirs(metricsOf(metrics), ID_BYTES),
          theirs(detail, DETAIL_BYTES),
          theirs(excerpt, EXCERPT_BYTES),
        ]),
        isWide: true,
      }),
    ];
  };
  return section(
    'Inputs',
    ...part(true, 'By which a gate failed, worst first'),
    ...part(false, 'That count most against it, though no gate failed by them'),
    andMore(inputs.more),
  );
}

function metricsOf(metrics: readonly string[]): string {
  const more = metrics.length - METRICS_SHOWN;
  return [...metrics.slice(0, METRICS_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** How the cells of an input look: by both a page is found that shows a person's. */
export function inputCells(input: {
  readonly id: string;
  readonly excerpt: string;
}): readonly string[] {
  const cells = tableOf({
    caption: '',
    head: [],
    rows: [[theirs(input.id, ID_BYTES), theirs(input.excerpt, EXCERPT_BYTES)]],
  });
  return cells.toString().match(/<t[hd][^>]*><bdi>[^]*?<\/bdi><\/t[hd]>/g) ?? [];
}

/** What the version was made of. */
export function lineageSection({ lineage, digests }: EvidenceReport): Html {
  return section(
    'Lineage',
    factTable('Digests by which everything is found again', digests),
    factTable('What the version was made of', lineage.shown, lineage.more),
  );
}

function factTable(caption: string, facts: readonly Fact[], more = 0): Html {
  return tableOf({
    ...{ caption, more, head: ['what', 'which'] },
    rows: facts.map(([name, value]) => [theirs(name, FACT_BYTES), theirs(value, FACT_BYTES)]),
  });
}

/** Who decided what, and why; the page that is stored says that this comes later. */
export function decisionsSection({ decisions, roles, model, version }: EvidenceReport): Html {
  const asked = roles.length === 0 ? 'nobody' : roles.join(', ');
  if (decisions === null) {
    return section(
      'Decisions',
      markup`<p>Asked: ${asked}. This page was stored with the evidence, before anybody decided on it; <code>npx switchyard report ${model} ${version}</code> shows the decisions too.</p>`,
    );
  }
  if (decisions.shown.length === 0) {
    return section(
      'Decisions',
      markup`<p>Asked: ${asked}. On this evidence the version never went live, so <code>live.json</code> holds no decision; what was answered so far says <code>npx switchyard status ${model}</code>.</p>`,
    );
  }
  return section(
    'Decisions',
    sentence(`Asked: ${asked}.`),
    tableOf({
      caption: 'Who decided what on this evidence, and why',
      head: ['role', 'decision', 'by', 'why', 'when'],
      rows: decisions.shown.map(({ role, decision, by, reason, at }) => [
        theirs(role, ID_BYTES),
        markup`${decision}`,
        theirs(by, PERSON_BYTES),
        theirs(reason, REASON_BYTES),
        theirs(at, ID_BYTES),
      ]),
      more: decisions.more,
      isWide: true,
    }),
  );
}
