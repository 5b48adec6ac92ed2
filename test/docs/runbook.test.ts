import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { parse } from 'yaml';
import { z } from 'zod';
import { WORKER_METRICS } from '../../domain/worker-metrics.js';
import { COMMANDS } from '../../scripts/commands/list.js';
import { ServingMetrics } from '../../serving/serving-metrics.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const RUNBOOK = read('RUNBOOK.md');

const rulesSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^[A-Z][A-Za-z]+$/),
          expr: z.string().min(1),
          for: z
            .string()
            .regex(/^\d+[smhd]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket', 'info']) }),
          annotations: z.strictObject({ summary: z.string().min(1) }),
        }),
      ),
    }),
  ),
});

const RULES = rulesSchema
  .parse(parse(read('docs/alerts.yml')))
  .groups.flatMap(({ rules }) => rules);

/** The metric of Temporal's that an alert rests on, as test/workers/operations.test.ts sees it, and Prometheus' own. */
const OTHERS = ['temporal_activity_schedule_to_start_latency_seconds', 'up'];

/** Names of our own metrics, with the labels of a worker's. */
async function ownMetrics(): Promise<ReadonlySet<string>> {
  const worker = Object.entries(WORKER_METRICS).map(
    ([name, { kind }]) => `${name}_${kind === 'counter' ? 'total' : 'seconds'}`,
  );
  return new Set([...worker, ...namesIn(await new ServingMetrics(new Map()).text())].filter(isOwn));
}

const isOwn = (name: string) => name.startsWith('switchyard_');
const namesIn = (text: string) =>
  [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);

/** Metrics that an expression names, without what Prometheus adds to a distribution's. */
function metricsOf(expr: string): readonly string[] {
  const words = [...expr.matchAll(/\b(?:switchyard|temporal|process|nodejs)_[a-z0-9_]+|\bup\b/g)];
  return words.map(([name]) => name.replace(/_(?:bucket|count|sum)$/, ''));
}

describe('RUNBOOK.md and docs/alerts.yml', () => {
  it('have an entry an alert, and an alert an entry', () => {
    const sections = RUNBOOK.split(/^## /m).filter((each) => /^(?:Workers|Endpoints)\n/.test(each));
    const entries = sections.flatMap((each) =>
      [...each.matchAll(/^### (.+)$/gm)].map(([, name = '']) => name),
    );
    const alerts = RULES.map(({ alert }) => alert);
    assert.deepEqual(entries, alerts);
    assert.equal(new Set(alerts).size, alerts.length);
    for (const entry of sections.flatMap((each) => each.split(/^### /m).slice(1))) {
      for (const part of ['- Means: ', '- Do: ', '- Over: ']) {
        const isThere = entry.includes(part) || (part === '- Do: ' && entry.includes('and do: '));
        assert.ok(isThere, `${entry.split('\n')[0] ?? ''} says nothing under "${part}"`);
      }
    }
  });

  it('wake somebody where an endpoint fails requests, and where it refuses them', () => {
    for (const status of ['status=~"5.."', 'status="429"']) {
      const rule = RULES.find(({ expr }) => expr.includes(status));
      assert.equal(rule?.labels.severity, 'page', status);
    }
  });

  it('name only metrics that a worker or an endpoint exports', async () => {
    const defaults = new Registry();
    collectDefaultMetrics({ register: defaults });
    const known = new Set([
      ...(await ownMetrics()),
      ...OTHERS,
      ...namesIn(await defaults.metrics()),
    ]);
    for (const { alert, expr } of RULES) {
      const names = metricsOf(expr);
      assert.ok(names.length > 0, alert);
      for (const name of names) assert.ok(known.has(name), `${alert}: nothing exports ${name}`);
    }
  });

  it('leave out no metric of ours: each has its line, and an alert', async () => {
    const lines = [...RUNBOOK.matchAll(/^\| `(switchyard_[a-z_]+)`/gm)].map(([, name]) => name);
    const own = await ownMetrics();
    assert.deepEqual([...lines].sort(), [...own].sort());
    const alerted = new Set(RULES.flatMap(({ expr }) => metricsOf(expr)));
    assert.deepEqual(
      [...own].filter((name) => !alerted.has(name)),
      [],
    );
  });

  it('name only labels that a metric of the worker has', () => {
    const metrics: Readonly<Record<string, { readonly labels: readonly string[] }>> =
      WORKER_METRICS;
    for (const { alert, expr } of RULES) {
      for (const [, name = '', selector = ''] of expr.matchAll(
        /(switchyard_[a-z_]+)\{([^}]*)\}/g,
      )) {
        const labels = metrics[name.replace(/_(?:total|seconds|seconds_bucket)$/, '')]?.labels;
        for (const [, label = ''] of selector.matchAll(/([a-z]+)(?:=~|!~|!=|=)"/g)) {
          assert.ok(labels?.includes(label) ?? true, `${alert}: ${name} has no label ${label}`);
        }
      }
    }
  });

  it('name only commands that there are', () => {
    const named = [...RUNBOOK.matchAll(/npx switchyard ([a-z-]+)/g)].map(([, name = '']) => name);
    const known = Object.keys(COMMANDS).map((name) => name.split(' ')[0]);
    for (const name of named) assert.ok(known.includes(name), `there is no command ${name}`);
  });
});
