import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Tested } from '../../domain/lifecycle.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { aDecision, aDigest, aTested } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig, type Rig } from '../../testing/rig.js';
import { until } from '../../testing/until.js';
import { testServers } from '../../testing/servers.js';
import { startChromium } from './chromium.js';
import { WebUi } from './web-ui.js';

/** Where `npm run screenshots` wants pictures; the tests take none without it. */
const SCREENSHOTS = process.env['SWITCHYARD_SCREENSHOTS'];
const VIEWPORT = { width: 1280, height: 800 };

const row = (
  metric: Tested['table'][number]['gate']['metric'],
  limit: { min: number } | { max: number },
  value: number | null,
  reason: string,
): Tested['table'][number] => ({
  gate: { metric, minSample: 1, ...limit },
  verdict: value === null ? 'not applicable' : 'passed',
  value,
  reason,
});

/** As a version of `tickets` looks. */
const TABLE: Tested['table'] = [
  row('latency-p99-ms', { max: 20 }, 3.412, 'latency-p99-ms is 3.412 ms, at most 20 ms is asked'),
  row(
    'peak-rss-bytes',
    { max: 314_572_800 },
    161_480_704,
    'peak-rss-bytes is 161.48 MB, at most 314.57 MB is asked',
  ),
  row('exceptions', { max: 0 }, 0, 'exceptions is 0 inputs, at most 0 inputs is asked'),
  row('accuracy', { min: 0.8 }, 0.8731, 'accuracy is 0.8731, at least 0.8 is asked'),
  row('slice-accuracy', { min: 0.6 }, 0.7143, 'slice-accuracy: all 8 slices reach 0.6'),
  row(
    'macro-f1-difference',
    { min: -0.02 },
    null,
    'macro-f1-difference: there is no live version to compare with',
  ),
];

describe('Temporal’s web UI', function () {
  this.timeout(120_000);
  let browser: Browser;
  let page: Page;
  let ui: WebUi;

  before(async () => {
    browser = await startChromium();
  });
  after(() => browser.close());
  beforeEach(async () => {
    const { temporal } = await testServers();
    page = await browser.newPage({ viewport: VIEWPORT });
    page.setDefaultTimeout(15_000);
    ui = new WebUi(page, temporal.uiUrl);
  });
  afterEach(() => page.close());

  const rigFor = (
    context: Mocha.Context,
    live: MemoryLive,
    tested: Partial<Tested> = { table: TABLE },
  ): Promise<Rig> =>
    startRig(context.test?.title ?? 'web ui', (place) =>
      fakeActivities(place, {
        live,
        overrides: {
          assembleEvidence: ({ baseline }) => Promise.resolve(aTested({ baseline, ...tested })),
        },
      }),
    );

  it('carries a model from its start to live and back, one JSON object at a time', async function () {
    const live = new MemoryLive();
    await using rig = await rigFor(this, live);
    const model = SCREENSHOTS === undefined ? rig.taskQueue : 'tickets';
    const workflowId = `lifecycle/${model}/by-hand`;
    await ui.start({
      workflowId,
      taskQueue: rig.taskQueue,
      type: 'modelLifecycle',
      input: { model },
    });
    await until('data-science is asked', async () => {
      const { waitingFor } = await rig.switchyard.status(workflowId);
      return waitingFor.includes('data-science') ? true : undefined;
    });

    await ui.open(workflowId);
    const asks = await ui.details(/Waiting for data-science/);
    assert.match(asks, /npx switchyard approve lifecycle\/\S+\/by-hand --role data-science/);
    assert.match(asks, /accuracy\s+0\.8731\s+≥\s0\.8\s+passed/);
    await picture('lifecycle-details', 400);

    const stale = aDecision({ evidence: aDigest('older evidence') });
    const refused = await ui.update('decide', stale);
    assert.match(refused ?? '', /names evidence .* is on the table; read it and decide again/);
    assert.doesNotMatch(refused ?? '', /\.(ts|js):\d+/, 'no place of the worker’s code');

    const decision = aDecision({ by: 'ada@example.com', reason: 'reads well' });
    const dialog = await ui.updateDialog('decide', decision);
    await picture('update-dialog');
    await dialog.getByTestId('confirm-modal-button').click();
    await dialog.waitFor({ state: 'hidden' });
    await ui.open(workflowId);
    await ui.details(/Waiting for engineering/);
    assert.equal(
      await ui.update('decide', { ...decision, role: 'engineering', by: 'grace@example.com' }),
      null,
    );
    assert.equal((await rig.switchyard.outcome(workflowId)).outcome, 'live');
    assert.match(await ui.query('status', /"stage"/), /"ended"/);

    live.change(model, newer(aDigest('version 1')), 'another lifecycle');
    await ui.open(liveWorkflowId(model));
    assert.equal(
      await ui.update('freeze', {
        by: 'grace@example.com',
        reason: 'customers report wrong queues',
      }),
      null,
    );
    await ui.open(liveWorkflowId(model));
    await ui.details(/Frozen by grace@example\.com/);
    await picture('live-model', 400);
    const order = { leaving: aDigest('newer'), by: 'grace@example.com', reason: 'wrong queues' };
    assert.equal(await ui.update('fallback', order), null);
    assert.equal(live.state(model)?.live, aDigest('version 1'));
    assert.equal(await ui.update('thaw', { by: 'grace@example.com', reason: 'mended' }), null);
    assert.equal(live.state(model)?.frozen, null);
    await rig.client.workflow.getHandle(liveWorkflowId(model)).terminate();
  });

  it('shows what mails and people wrote as text: no markup, no link, no script', async function () {
    const hostile =
      '<img src=x onerror=alert(1)> ![i](http://evil.example/i.png) [l](javascript:alert(1)) http://evil.example | `x';
    const finding = {
      ...{ gate: { metric: 'accuracy', min: 0.5, minSample: 1 }, owner: 'data-science' as const },
      ...{ reason: hostile, inputs: [{ id: hostile, excerpt: hostile, detail: hostile }] },
    };
    const table = [row('accuracy', { min: 0.5 }, null, hostile)];
    await using rig = await rigFor(this, new MemoryLive(), { table, findings: [finding] });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue, reason: hostile });
    await until('data-science is asked', async () => {
      const { waitingFor } = await rig.switchyard.status(workflowId);
      return waitingFor.includes('data-science') ? true : undefined;
    });
    await rig.switchyard.decide(
      workflowId,
      aDecision({ by: hostile.slice(0, 60), reason: hostile }),
    );
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await ui.open(workflowId);
    const details = await ui.detailsPage(/Waiting for engineering/);
    assert.ok((await details.innerText()).split('<img src=x onerror=alert(1)>').length >= 5);
    assert.equal(await details.locator('a, img').count(), 0);
    const started = page.frameLocator('#user-metadata-details').locator('body');
    await started.filter({ hasText: 'onerror=alert(1)' }).waitFor();
    assert.equal(await started.locator('a, img').count(), 0);
    assert.deepEqual(dialogs, []);
    await rig.switchyard.cancel(workflowId);
    await assert.rejects(rig.switchyard.outcome(workflowId));
  });

  it('names the nearest right key where a start has a wrong one', async function () {
    await using rig = await rigFor(this, new MemoryLive());
    const workflowId = `${rig.taskQueue}-wrong`;
    const input = { modle: 'tickets' };
    await ui.start({ workflowId, taskQueue: rig.taskQueue, type: 'modelLifecycle', input });
    await until('it has failed', () =>
      rig.switchyard.outcome(workflowId).then(
        () => undefined,
        () => true,
      ),
    );
    await ui.open(workflowId);
    await page.getByText('did you mean').first().waitFor();
  });

  /** @param scroll - Pixels; the page's own head is of no interest. */
  async function picture(name: string, scroll = 0): Promise<void> {
    if (SCREENSHOTS === undefined) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await page.mouse.move(272, 400);
    await page.mouse.wheel(0, scroll);
    await page.waitForTimeout(500); // the page has come to rest
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }
});

function newer(baseline: string) {
  const candidate = {
    ...{ digest: aDigest('newer'), version: 2, artifact: 'model.onnx' },
    ...{ evidence: aDigest('evidence'), decisions: [] },
  };
  return { kind: 'promote', candidate, baseline } as const;
}
