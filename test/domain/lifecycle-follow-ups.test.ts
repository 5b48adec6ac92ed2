import assert from 'node:assert/strict';
import { followUpSchema } from '../../domain/follow-up.js';
import type { Finding } from '../../domain/gate.js';
import {
  followUpOfUndos,
  followUpsOfRejection,
  type LeavingRun,
} from '../../domain/lifecycle-follow-ups.js';
import { aDigest } from '../../testing/builders.js';

const FROM: LeavingRun = {
  ...{ model: 'tickets', workflowId: 'lifecycle/tickets/12345678' },
  run: '0f9c2d4e-1111-4222-8333-444455556666',
  ...{ version: 3, digest: aDigest('version 3'), heldOut: null },
};

const aFinding = (overrides: Partial<Finding> = {}): Finding => ({
  gate: { metric: 'accuracy', min: 0.5, minSample: 1 },
  ...{ owner: 'data-science', reason: 'accuracy is 0.3', inputs: [] },
  ...overrides,
});

const rejected = (findings: Finding[]) => ({
  ...{ outcome: 'rejected' as const, model: 'tickets', stage: 'test' as const, findings },
  ...{ version: 3, digest: aDigest('version 3'), testReport: null },
  ...{ table: [], ledger: [], decisions: [] },
});

describe('followUpsOfRejection', () => {
  it('says which rows the inputs are where those had to be right', () => {
    const heldOut = { name: 'mails', digest: aDigest('rows'), rows: 9, labels: ['ham'] };
    const findings = [aFinding(), aFinding({ owner: 'engineering' })];
    const [science, engineering] = followUpsOfRejection({ ...FROM, heldOut }, rejected(findings));
    assert.deepEqual(science?.subject.heldOut, heldOut);
    assert.equal(engineering?.subject.heldOut, undefined);
  });

  it('makes one for each owner, named by the version, whatever its findings say', () => {
    const input = { id: 'mail', excerpt: 'x'.repeat(300), detail: 'y'.repeat(300) };
    const many = Array.from({ length: 30 }, () =>
      aFinding({ reason: 'z'.repeat(1_000), inputs: [input] }),
    );
    const [science, engineering, ...others] = followUpsOfRejection(
      FROM,
      rejected([...many, aFinding({ owner: 'engineering' })]),
    );
    assert.deepEqual(others, []);
    assert.equal(followUpSchema.parse(science).key, 'v3-data-science');
    assert.equal(science?.inputs.length, 20);
    assert.equal(followUpSchema.parse(engineering).key, 'v3-engineering');
    assert.deepEqual(engineering?.subject, {
      ...{ workflowId: FROM.workflowId, version: 3, digest: FROM.digest },
      generation: null,
    });
  });

  it('names it by the run where convert rejected it, since there is no version', () => {
    const [followUp] = followUpsOfRejection(
      { ...FROM, version: null, digest: null },
      rejected([aFinding({ owner: 'engineering' })]),
    );
    assert.equal(followUpSchema.parse(followUp).key, 'convert-0f9c2d4e-engineering');
    assert.match(followUp?.text ?? '', /npx switchyard status lifecycle\/tickets\/12345678$/);
  });
});

describe('followUpOfUndos', () => {
  it('is for engineering, and says what to type for what failed and is not accepted', () => {
    const accepted = { by: 'grace', reason: 'by hand', at: '2026-01-02T03:04:05Z' };
    const followUp = followUpOfUndos(FROM, [
      { step: 'snapshots', end: 'failed', note: 'access denied', accepted },
      { step: 'promotion of version 3', end: 'failed', note: 'access denied' },
      { step: 'staging', end: 'restored', note: '' },
    ]);
    assert.equal(followUpSchema.parse(followUp).key, 'undo-0f9c2d4e');
    assert.equal(followUp?.title, 'a lifecycle of tickets could not undo: promotion of version 3');
    assert.match(followUp.text, /--accept --step 'promotion of version 3' --reason 'why'$/);
    assert.doesNotMatch(followUp.text, /snapshots/);
  });

  it('is none where nothing failed', () => {
    assert.equal(followUpOfUndos(FROM, [{ step: 'staging', end: 'conflicted', note: '' }]), null);
  });
});
