import assert from 'node:assert/strict';
import { pageKey } from '../../adapters/registry/keys.js';
import type { LifecycleStatus } from '../../domain/lifecycle.js';
import { lifecycleDetails, startDetails } from '../../domain/lifecycle-details.js';
import { aDigest } from '../../testing/builders.js';
import { toSign } from '../support/signers.js';

const ID = 'lifecycle/tickets/12345678';
const ACCEPTED = { by: 'grace', reason: 'by hand', at: '2026-01-02T03:04:05Z' };
const HOSTILE = '<script>alert(1)</script> | ![x](http://evil.example/x.png)';

const aStatus = (overrides: Partial<LifecycleStatus> = {}): LifecycleStatus => ({
  model: 'tickets',
  stage: 'approve',
  version: 3,
  digest: aDigest('version 3'),
  evidence: aDigest('evidence'),
  page: null,
  waitingFor: ['data-science'],
  toSign: null,
  answerBy: { 'data-science': '2026-01-08T03:04:05Z' },
  frozen: null,
  verdict: 'passed',
  table: [],
  findings: [],
  decisions: [],
  refusals: [],
  ledger: [],
  undoing: [],
  ending: null,
  ...overrides,
});

describe('lifecycleDetails', () => {
  it('begin with what it is, then with who is waited for and what to type', () => {
    const text = lifecycleDetails(aStatus(), ID);
    assert.ok(
      text.startsWith(
        '## tickets, version 3: approve\n\n**Waiting for data-science** until 2026-01-08 03:04 UTC\n\nIts digest begins with `',
      ),
    );
    const read = `--role data-science --evidence ${aDigest('evidence').slice(0, 12)}`;
    assert.ok(
      text.includes(`\`npx switchyard approve lifecycle/tickets/12345678 ${read} --reason 'why'\``),
    );
    const json: unknown = JSON.parse(/```json\n([^`]*)```/.exec(text)?.[1] ?? '');
    assert.deepEqual(json, {
      ...{ role: 'data-science', decision: 'approved', by: '<who you are>', reason: '<why>' },
      evidence: aDigest('evidence'),
    });
  });

  it('name the commands that sign, where decisions are signed, and nothing to paste that would be refused', () => {
    const text = lifecycleDetails(aStatus({ toSign: toSign() }), ID);
    const read = `--role data-science --evidence ${aDigest('evidence').slice(0, 12)}`;
    for (const name of ['approve', 'sign']) {
      const command = `npx switchyard ${name} lifecycle/tickets/12345678 ${read} --reason 'why'`;
      assert.ok(text.includes(`\`${command}\``), text);
    }
    assert.ok(!text.includes('```json'));
  });

  it('name the command that shows the evidence report, and where its page is stored', () => {
    const text = lifecycleDetails(aStatus({ page: aDigest('page') }), ID);
    const key = `models/tickets/evidence/${aDigest('version 3')}/${aDigest('page')}.html`;
    assert.ok(
      text.includes(`Type \`npx switchyard report tickets 3\`, or open \`${key}\` of the bucket.`),
    );
    assert.equal(pageKey('tickets', aDigest('version 3'), aDigest('page')), key);
    assert.ok(!lifecycleDetails(aStatus(), ID).includes('Evidence report'));
  });

  it('quote a workflow id that a shell would take apart', () => {
    const text = lifecycleDetails(aStatus(), "it's mine; rm -rf `x`");
    assert.ok(text.includes("npx switchyard approve 'it'\\''s mine; rm -rf `x`' --role"));
  });

  it('hold each gate’s value against its limit, and mark what did not pass', () => {
    const text = lifecycleDetails(
      aStatus({
        verdict: 'failed',
        table: [
          {
            gate: { metric: 'peak-rss-bytes', max: 314_572_800, minSample: 1 },
            verdict: 'failed',
            value: 412_345_678,
            reason: 'peak-rss-bytes is 412.35 MB, at most 314.57 MB is asked',
          },
          {
            gate: { metric: 'accuracy', min: 0.9, minSample: 1 },
            verdict: 'passed',
            reason: 'accuracy is 0.9312, at least 0.9 is asked',
          },
        ],
      }),
      ID,
    );
    assert.match(text, /### Gates: failed/);
    assert.match(
      text,
      /\| `peak-rss-bytes`\s+\| 412\.35\sMB\s+\| ≤\s314\.57\sMB\s+\| \*\*failed\*\* \|/,
    );
    assert.match(text, /\| `accuracy`\s+\|\s+\| ≥\s0\.9\s+\| passed \|/);
    assert.match(text, /\n- failed: peak\\-rss\\-bytes is 412\.35 MB/);
  });

  it('show what others wrote without letting it do anything', () => {
    const text = lifecycleDetails(
      aStatus({
        findings: [
          {
            gate: { metric: 'accuracy', min: 0.5, minSample: 1 },
            owner: 'data-science',
            reason: HOSTILE,
            inputs: [{ id: '`', excerpt: HOSTILE, detail: '**x**' }],
          },
        ],
        decisions: [
          {
            ...{ role: 'engineering', decision: 'approved', by: '<b>ada</b>', reason: HOSTILE },
            ...{ evidence: aDigest('evidence'), signature: null, at: '2026-01-02T03:04:05Z' },
          },
        ],
        refusals: [HOSTILE],
        ledger: [{ step: 'staging', end: 'failed', note: HOSTILE }],
      }),
      ID,
    );
    const outsideOfCode = text.replace(/(`+)[^`\n][\s\S]*?\1/g, '');
    assert.doesNotMatch(outsideOfCode, /(?<!\\)<|\[x\]\(/);
    assert.match(text, /\| staging\s+\| \*\*failed\*\*\s+\|/);
    assert.match(text, /### Decisions that were not taken/);
  });

  it('say what a frozen promotion waits for, and how to thaw it', () => {
    const frozen = { by: 'grace', reason: 'wrong queues', at: '2026-01-02T03:04:05Z' };
    const text = lifecycleDetails(aStatus({ stage: 'deploy', waitingFor: ['thaw'], frozen }), ID);
    assert.match(
      text,
      /waits for a thaw of tickets\.\*\* grace froze it at 2026-01-02 03:04 UTC: wrong queues/,
    );
    assert.match(text, /npx switchyard thaw tickets/);
    assert.doesNotMatch(text, /--role/);
  });

  it('say which undo failed, how to try again and how to accept it, before the gates', () => {
    const text = lifecycleDetails(
      aStatus({
        ...{ stage: 'undo', waitingFor: ['undo'] },
        ledger: [
          { step: 'promotion of version 3', end: 'failed', note: 'access denied' },
          { step: 'snapshots', end: 'failed', note: 'access denied', accepted: ACCEPTED },
        ],
        undoing: ['staging'],
      }),
      ID,
    );
    assert.ok(text.includes('**An undo failed and waits for a person**'));
    assert.ok(text.includes(`\`npx switchyard undo ${ID} --retry\``));
    const accept = `--accept --step 'promotion of version 3' --reason 'why'`;
    assert.ok(text.includes(`\`npx switchyard undo ${ID} ${accept}\``));
    assert.ok(!text.includes('--step snapshots'), 'what is accepted is over');
    assert.match(text, /\| promotion of version 3\s+\| \*\*failed\*\*\s+\| access denied/);
    assert.match(text, /\| snapshots\s+\| failed, accepted by grace: by hand\s+\|/);
    assert.match(text, /\| staging\s+\| under way\s+\|/);
    assert.ok(!text.includes('npx switchyard approve'), 'nobody is asked for a decision');
  });

  it('ask for nothing once it has ended', () => {
    const text = lifecycleDetails(aStatus({ ending: 'refused: ada: no', stage: 'ended' }), ID);
    assert.match(text, /^## tickets, version 3: refused: ada: no\n/);
    assert.doesNotMatch(text, /Waiting for/);
  });

  it('stay small whatever there is to show', () => {
    const gate = { metric: 'accuracy', min: 0.5, minSample: 1 };
    const reason = '<'.repeat(1_000);
    const findings = Array.from({ length: 20 }, () => {
      const inputs = Array.from({ length: 5 }, () => ({
        id: 'x',
        excerpt: reason,
        detail: reason,
      }));
      return { gate, owner: 'data-science' as const, reason, inputs };
    });
    const table = Array.from({ length: 100 }, () => ({ gate, verdict: 'failed' as const, reason }));
    const text = lifecycleDetails(aStatus({ table, findings }), ID);
    assert.ok(text.length <= 16_000, `${text.length} characters`);
    assert.match(text, /How data-science answers[\s\S]*There is more: ask the query `status`/);
  });
});

describe('startDetails', () => {
  it('show who started it and the request', () => {
    const text = startDetails({
      model: 'tickets',
      seed: 3,
      startedBy: 'ada',
      reason: '*new* mails',
    });
    assert.match(text, /^Started by ada: \\\*new\\\* mails\n\n```json\n\{\n {2}"model": "tickets"/);
    assert.match(startDetails({ model: 'tickets' }), /^```json/);
  });
});
