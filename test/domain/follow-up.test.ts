import assert from 'node:assert/strict';
import { followUpDetails } from '../../domain/follow-up-details.js';
import { closeFault, closeRefusal, followUpKey, followUpSchema } from '../../domain/follow-up.js';
import { newSigningKey, signOrder, type SigningKey } from '../../client/signing/signing-key.js';
import { keysOf } from '../../domain/signing/trust.js';
import { withKey, withRetired } from '../../domain/signing/trust-edits.js';
import { ENVIRONMENT, signersOf } from '../support/signers.js';
import { NAME_PATTERN } from '../../domain/names.js';
import { aFollowUp } from '../../testing/builders.js';

const OPEN = { openedAt: '2026-01-02T03:04:05Z', told: 'told', closed: null } as const;
const order = { role: 'engineering', by: 'grace', reason: 'mended' };
const NOW = new Date('2026-01-02T03:04:05Z');
const WORKFLOW_ID = 'follow-up/tickets/fallback-g2';

describe('closeRefusal', () => {
  it('lets the owner’s role close it, and no other', () => {
    const state = { ...OPEN, followUp: aFollowUp() };

    assert.equal(closeRefusal(state, order), null);
    assert.match(
      closeRefusal(state, { ...order, role: 'data-science' }) ?? '',
      /the role "data-science" does not close it; "engineering" owns it/,
    );
  });

  it('says who closed it before', () => {
    const closed = { ...order, at: '2026-01-03T00:00:00Z' };

    assert.match(
      closeRefusal({ ...OPEN, closed, followUp: aFollowUp() }, order) ?? '',
      /closed by grace at 2026-01-03T00:00:00Z: mended/,
    );
  });
});

describe('closeFault', () => {
  const { keys, trust } = signersOf({ grace: ['engineering'], ada: ['data-science'], eve: [] });
  const given = { workflowId: WORKFLOW_ID, trust, nowMs: NOW.getTime() };
  const about = { order: 'close', role: 'engineering', reason: 'mended' } as const;
  const faultOf = async (key: SigningKey, target = WORKFLOW_ID, reason = 'mended') => {
    const by = key.person;
    const signature = await signOrder(key, { ...about, target, by }, NOW);
    return closeFault({ role: 'engineering', by, reason, signature }, given);
  };

  it('lets who signs in the owner’s role close it, and nobody else', async () => {
    assert.equal(await faultOf(keys.grace), null);
    assert.match((await faultOf(keys.ada)) ?? '', /ada@example.com is not trusted to act for/);
    assert.match((await faultOf(keys.eve)) ?? '', /is not one that is trusted/);
    assert.match(closeFault(order, given) ?? '', /closing is signed here/);
    assert.equal(closeFault(order, { ...given, trust: null }), null);
  });

  it('lets whoever is trusted close what nobody has the role for', async () => {
    const legal = { ...about, role: 'legal', target: WORKFLOW_ID, by: keys.ada.person };
    const signature = await signOrder(keys.ada, legal, NOW);
    const closing = { role: 'legal', by: keys.ada.person, reason: 'mended', signature };
    assert.equal(closeFault(closing, given), null);
    const held = withKey(trust, newSigningKey('lee@example.com', ENVIRONMENT), ['legal']);
    const refused = closeFault(closing, { ...given, trust: held });
    assert.match(refused ?? '', /ada@example.com is not trusted to act for "legal"/);
    const [lee] = keysOf(held).filter(({ person }) => person === 'lee@example.com');
    const gone = withRetired(held, lee?.kid ?? '', '2026-01-01T00:00:00Z');
    assert.equal(closeFault(closing, { ...given, trust: gone }), null, 'nobody can sign as legal');
  });

  it('takes no order about another one, nor one that was changed or is late', async () => {
    const other = await faultOf(keys.grace, 'follow-up/tickets/fallback-g3');
    assert.match(other ?? '', /says something else than was signed/);
    const changed = await faultOf(keys.grace, WORKFLOW_ID, 'so what');
    assert.match(changed ?? '', /says something else than was signed/);
    const by = keys.grace.person;
    const signature = await signOrder(keys.grace, { ...about, target: WORKFLOW_ID, by }, NOW);
    const late = { ...given, nowMs: NOW.getTime() + 3_700_000 };
    assert.match(closeFault({ ...order, by, signature }, late) ?? '', /has expired/);
  });
});

describe('followUpKey', () => {
  it('makes a name of whatever it is given', () => {
    const long = 'x'.repeat(100);
    const keys = [
      followUpKey.fallback(12),
      followUpKey.undo('0196-ABC'),
      ...[followUpKey.gates(3, 'data-science'), followUpKey.gates(1_000_000, long)],
      ...[followUpKey.reconcile('staging/Ünïcode/..'), followUpKey.reconcile(long)],
    ];

    assert.deepEqual(keys.slice(0, 3), ['fallback-g12', 'undo-0196-abc', 'v3-data-science']);
    for (const key of keys) assert.match(key, NAME_PATTERN);
  });
});

describe('followUpDetails', () => {
  it('shows what is to be typed as code, whose quotes the web UI leaves alone', () => {
    const command = "npx switchyard undo x --accept --step 'staging' --reason 'why'";
    const text = `The undo failed.\nOr: ${command}\nOr: nothing that [is](http://evil.example) typed`;
    const details = followUpDetails(
      { ...OPEN, followUp: { ...aFollowUp(), text } },
      'follow-up/x/y',
    );

    assert.ok(details.includes(`\n\nOr: \`${command}\`\n\n`), details);
    assert.ok(details.includes('`Or: nothing that [is](http://evil.example) typed`'));
  });

  it('says what happened, who may close it, and exactly what to type and paste', () => {
    const details = followUpDetails(
      { ...OPEN, followUp: aFollowUp() },
      'follow-up/tickets/fallback-g3',
    );

    assert.match(details, /## tickets: fallen back from version 2/);
    assert.match(details, /\*\*Open for engineering\*\* since 2026-01-02 03:04 UTC/);
    assert.match(
      details,
      /`npx switchyard close follow-up\/tickets\/fallback-g3 --role engineering --reason 'what was done'`/,
    );
    const [, pasted = ''] = /```json\n([\s\S]*?)\n```/.exec(details) ?? [];
    assert.deepEqual(JSON.parse(pasted), {
      ...{ role: 'engineering', by: '<who you are>', reason: '<what was done>' },
    });
  });

  it('shows inputs and words of others as text that does nothing', () => {
    const evil = '<img src=x onerror=alert(1)> [a](https://evil.example) | `code` \u202e';
    const inputs = [{ id: evil, excerpt: evil, detail: evil }];
    const followUp = aFollowUp({ title: evil, text: `${evil}\n# heading\n${evil}`, inputs });
    const details = followUpDetails({ ...OPEN, followUp }, evil);

    assert.doesNotMatch(details, /^# heading/m);
    assert.doesNotMatch(
      details.replaceAll(/(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, ''),
      /<img|\]\(|https:/,
    );
    assert.doesNotMatch(details, /\u202e/);
  });

  it('stays small, whatever it holds', () => {
    const word = '|<é>'.repeat(1_000);
    const inputs = Array.from({ length: 20 }, () => ({
      ...{ id: word.slice(0, 300), excerpt: word.slice(0, 300), detail: word.slice(0, 300) },
    }));
    const subject = { ...aFollowUp().subject, workflowId: word.slice(0, 1_000) };
    const followUp = followUpSchema.parse(
      aFollowUp({ title: word.slice(0, 300), text: word, subject, inputs }),
    );

    const details = followUpDetails({ ...OPEN, followUp }, `follow-up/tickets/${'k'.repeat(63)}`);
    assert.ok(details.length <= 16_000, String(details.length));
    assert.match(details, /npx switchyard close/);
  });

  it('shows who closed it, and no more how', () => {
    const closed = { ...order, at: '2026-01-03T00:00:00Z' };
    const details = followUpDetails({ ...OPEN, closed, followUp: aFollowUp() }, 'f');

    assert.match(
      details,
      /\*\*Closed\*\* by grace \(engineering\) at 2026-01-03 00:00 UTC: mended/,
    );
    assert.doesNotMatch(details, /npx switchyard close/);
  });
});
