import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import type { Browser, Page } from 'playwright-core';
import { TemporalFollowUps } from '../../client/follow-ups.js';
import { aDecision } from '../../testing/builders.js';
import { fakeActivities, MemoryLive } from '../../testing/fake-activities.js';
import { startRig } from '../../testing/rig.js';
import { testServers } from '../../testing/servers.js';
import { until } from '../../testing/until.js';
import { followUpWorkflowId } from '../../workflows/follow-up-messages.js';
import { startChromium } from './chromium.js';
import { WebUi } from './web-ui.js';

describe('an undo that failed, in Temporal’s web UI', function () {
  this.timeout(120_000);
  let browser: Browser;
  let page: Page;
  let ui: WebUi;

  before(async () => {
    const { temporal } = await testServers();
    browser = await startChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(15_000);
    ui = new WebUi(page, temporal.uiUrl);
  });
  after(() => browser.close());

  it('says what to paste, is tried again, accepted as it is, and its follow-up closed', async function () {
    const denied = () => Promise.reject(ApplicationFailure.nonRetryable('denied', 'StoreRefused'));
    await using rig = await startRig(this.test?.title ?? 'undo', (place) => {
      const followUps = new TemporalFollowUps(place);
      return fakeActivities(place, {
        live: new MemoryLive(),
        overrides: {
          sweepStaging: denied,
          openFollowUp: ({ followUp }) => followUps.open(followUp),
        },
      });
    });
    const { workflowId } = await rig.switchyard.start({ model: rig.taskQueue });
    const waits = (what: string) =>
      until(`it waits for ${what}`, async () => {
        const { waitingFor } = await rig.switchyard.status(workflowId);
        return waitingFor.includes(what) ? true : undefined;
      });
    await waits('data-science');
    const no = aDecision({ decision: 'rejected', reason: 'the slices look odd' });
    await rig.switchyard.decide(workflowId, no);
    await waits('undo');

    await ui.open(workflowId);
    const asks = await ui.details(/An undo failed and waits for a person/);
    assert.match(asks, /staging\s+failed\s+denied/);
    const order = { by: 'grace@example.com' };
    assert.match(
      (await ui.update('retryUndo', { ...order, step: 'stagin' })) ?? '',
      /no step "stagin" .*did you mean "staging"\?/,
    );
    assert.equal(await ui.update('retryUndo', order), null);
    await waits('undo');

    const open = await until('its follow-up is open', async () => {
      const query = `WorkflowType = "followUp" AND ModelName = "${rig.taskQueue}"`;
      for await (const each of rig.client.workflow.list({ query })) return each.workflowId;
      return undefined;
    });
    assert.ok(open.startsWith(followUpWorkflowId(rig.taskQueue, 'undo-')), open);
    await ui.open(open);
    assert.match(await ui.details(/Open for engineering/), /staging. failed: denied/);
    const close = { ...order, role: 'data-science', reason: 'deleted by hand' };
    assert.match((await ui.update('close', close)) ?? '', /engineering/);
    assert.equal(await ui.update('close', { ...close, role: 'engineering' }), null);

    await ui.open(workflowId);
    const accepted = { ...order, step: 'staging', reason: 'deleted by hand' };
    assert.equal(await ui.update('acceptUndo', accepted), null);
    const { outcome, ledger } = await rig.switchyard.outcome(workflowId);
    assert.equal(outcome, 'refused');
    assert.deepEqual(
      ledger.map(({ step, end, accepted: by }) => [step, end, by?.reason]),
      [['staging', 'failed', 'deleted by hand']],
    );
    await ui.open(workflowId);
    await ui.details(/accepted by grace@example\.com: deleted by hand/);
  });
});
