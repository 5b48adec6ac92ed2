import assert from 'node:assert/strict';
import { refusalOfAccept, refusalOfRetry, type UndoRow, type UndosNow } from '../../domain/undo.js';

const FAILED: UndoRow = { step: 'promotion of version 1', end: 'failed', note: 'access denied' };
const RESTORED: UndoRow = { step: 'staging', end: 'restored', note: '3 staged objects deleted' };
const ACCEPTED: UndoRow = {
  ...FAILED,
  accepted: { by: 'grace', reason: 'put back by hand', at: '2026-01-02T03:04:05Z' },
};

const now = (overrides: Partial<UndosNow> = {}): UndosNow => ({
  rows: [FAILED, RESTORED],
  running: [],
  ...overrides,
});
const retry = (step: string | undefined, undos: UndosNow) =>
  refusalOfRetry({ by: 'grace', step }, undos);
const accept = (step: string, undos: UndosNow) =>
  refusalOfAccept({ step, by: 'grace', reason: 'put back by hand' }, undos);

describe('refusalOfRetry', () => {
  it('lets a failed undo be tried again, by its step or without one', () => {
    assert.equal(retry(FAILED.step, now()), null);
    assert.equal(retry(undefined, now()), null);
  });

  it('names the step that was meant, or those that failed', () => {
    assert.equal(
      retry('promotion of version 2', now()),
      'no step "promotion of version 2" was undone here; did you mean "promotion of version 1"?',
    );
    assert.equal(
      retry('snapshots', now()),
      'no step "snapshots" was undone here; these failed: "promotion of version 1"',
    );
  });

  it('says that nothing failed, and what runs', () => {
    const clean = { rows: [RESTORED] };
    assert.equal(retry(undefined, now(clean)), 'no undo waits for a person');
    assert.equal(retry('promotion', now(clean)), 'no undo waits for a person');
    assert.equal(
      retry('staging', now(clean)),
      'the undo of "staging" has not failed: it ended restored',
    );
    assert.equal(
      retry(undefined, { rows: [], running: ['staging'] }),
      'no undo waits for a person; running is the undo of staging',
    );
    assert.equal(
      retry(undefined, { rows: [], running: [] }),
      'no undo waits for a person: nothing was undone',
    );
  });

  it('says that it is being tried again already', () => {
    const running = [FAILED.step];
    assert.equal(
      retry(undefined, now({ running })),
      'what failed is being tried again just now; wait for its end',
    );
    assert.match(retry(FAILED.step, now({ running })) ?? '', /runs just now; wait for its end$/);
  });
});

describe('refusalOfAccept', () => {
  it('lets a failed undo be closed, once', () => {
    assert.equal(accept(FAILED.step, now()), null);
    assert.equal(
      accept(FAILED.step, now({ rows: [ACCEPTED] })),
      'the undo of "promotion of version 1" was accepted as it is by grace at 2026-01-02T03:04:05Z',
    );
    assert.equal(retry(undefined, now({ rows: [ACCEPTED] })), 'no undo waits for a person');
  });

  it('refuses while it is being tried again', () => {
    assert.equal(
      accept(FAILED.step, now({ running: [FAILED.step] })),
      'the undo of "promotion of version 1" runs just now; wait for its end',
    );
  });
});
