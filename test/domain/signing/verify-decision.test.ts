import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { compactVerify } from 'jose';
import { newSigningKey, requireAbout, signDecision } from '../../../client/signing/signing-key.js';
import type { Decision } from '../../../domain/decision.js';
import { isSignedBy, readJws } from '../../../domain/signing/jws.js';
import { aboutDecisionSchema } from '../../../domain/signing/statement.js';
import { keysOf, trustSchema } from '../../../domain/signing/trust.js';
import {
  withDelegation,
  withKey,
  withRetired,
  withRevoked,
} from '../../../domain/signing/trust-edits.js';
import { verifyDecision } from '../../../domain/signing/verify-decision.js';
import { isVerified } from '../../../domain/signing/verify-statement.js';
import { aDigest } from '../../../testing/builders.js';
import { ENVIRONMENT, signersOf, toSign } from '../../support/signers.js';

const NOW = new Date('2026-01-02T03:04:05Z');
const answer = { role: 'data-science', decision: 'approved', reason: 'reads well' } as const;
const { keys, trust } = signersOf({ ada: ['data-science'], eve: [] });
const ABOUT = aboutDecisionSchema.strip().parse(toSign());

const codeOf = (decision: Decision, given: Partial<Parameters<typeof verifyDecision>[1]> = {}) => {
  const result = verifyDecision(decision, {
    ...{ environment: ENVIRONMENT, keys: keysOf(trust), about: ABOUT },
    acceptedMs: NOW.getTime(),
    ...given,
  });
  return isVerified(result) ? 'verified' : result.code;
};

describe('verifyDecision', () => {
  it('verifies what was signed, which an independent library verifies too', async () => {
    const decision = await signDecision(keys.ada, toSign(), answer, NOW);
    assert.equal(codeOf(decision), 'verified');
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: keys.ada.x },
      format: 'jwk',
    });
    const { protectedHeader } = await compactVerify(decision.signature ?? '', key);
    assert.equal(protectedHeader.alg, 'Ed25519');
  });

  it('refuses one whose any character was changed', async () => {
    const decision = await signDecision(keys.ada, toSign(), answer, NOW);
    const signature = decision.signature ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    fc.assert(
      fc.property(
        fc.nat(signature.length - 1),
        fc.constantFrom(...Array.from(alphabet)),
        (place, character) => {
          if (signature[place] === character) return;
          const spoiled = `${signature.slice(0, place)}${character}${signature.slice(place + 1)}`;
          assert.notEqual(codeOf({ ...decision, signature: spoiled }), 'verified');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('knows a key by its thumbprint only, and refuses one that is not canonical', async () => {
    const decision = await signDecision(keys.ada, toSign(), answer, NOW);
    const other = newSigningKey('ada@example.com', ENVIRONMENT);
    assert.equal(codeOf(await signDecision(other, toSign(), answer, NOW)), 'unknown-key');
    const jws = readJws(decision.signature ?? '');
    assert.ok(typeof jws !== 'string');
    assert.equal(isSignedBy(jws, other.x), false);
    // the neutral point verifies anything where small orders are let through
    const neutral = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString('base64url');
    assert.equal(isSignedBy(jws, neutral), false);
    const people = [{ person: 'x', roles: [], keys: [{ kid: other.kid, x: keys.ada.x }] }];
    assert.equal(trustSchema.safeParse({ ...trust, people }).success, false);
  });

  it('counts who decides for somebody else for as long as that is so, and as long as that one has the role', async () => {
    const { keys: people, trust: all } = signersOf({
      ada: ['data-science'],
      joan: ['engineering'],
    });
    const decision = await signDecision(people.joan, toSign(), answer, NOW);
    const minutes = (count: number) => new Date(NOW.getTime() + count * 60_000).toISOString();
    const delegation = { role: 'data-science', by: people.ada.person };
    const code = (from: number, until: number, acceptedMs = NOW.getTime()) => {
      const times = { from: minutes(from), until: minutes(until) };
      const delegated = withDelegation(all, people.joan.person, { ...delegation, ...times });
      return codeOf(decision, { keys: keysOf(delegated), acceptedMs });
    };
    assert.equal(codeOf(decision, { keys: keysOf(all) }), 'not-in-role');
    assert.equal(code(-5, 5), 'verified');
    assert.equal(code(1, 5), 'not-in-role', 'it begins later');
    assert.equal(code(-5, -1), 'not-in-role', 'it is over');
    assert.equal(code(-5, 5, NOW.getTime() + 600_000), 'not-in-role', 'accepted when it was over');
    const lasting = { ...delegation, from: minutes(-5), until: minutes(5) };
    const given = withDelegation(all, people.joan.person, lasting);
    const without = given.people.map((each) =>
      each.person === people.ada.person ? { ...each, roles: ['engineering'] } : each,
    );
    const lost = { ...given, people: without };
    assert.equal(
      codeOf(decision, { keys: keysOf(lost) }),
      'not-in-role',
      'its giver lost the role',
    );
  });

  it('counts what a retired key signed before, and nothing that a revoked one signed since', async () => {
    const decision = await signDecision(keys.ada, toSign(), answer, NOW);
    const before = new Date(NOW.getTime() - 60_000).toISOString();
    const after = new Date(NOW.getTime() + 60_000).toISOString();
    const later = (changed: typeof trust, acceptedMs = NOW.getTime()) =>
      codeOf(decision, { keys: keysOf(changed), acceptedMs });
    assert.equal(later(withRetired(trust, keys.ada.kid, before)), 'retired-key');
    assert.equal(later(withRetired(trust, keys.ada.kid, after)), 'verified');
    assert.equal(later(withRevoked(trust, keys.ada.kid, before)), 'compromised-key');
    assert.equal(later(withRevoked(trust, keys.ada.kid, after)), 'verified');
    const backdated = NOW.getTime() + 120_000;
    assert.equal(later(withRevoked(trust, keys.ada.kid, after), backdated), 'compromised-key');
  });

  it('does not expire once it was accepted', async () => {
    const decision = await signDecision(keys.ada, toSign(), answer, NOW);
    const late = NOW.getTime() + 3_601_000;
    assert.equal(codeOf(decision, { acceptedMs: late }), 'expired');
    assert.equal(codeOf(decision), 'verified', 'by when it was accepted, whenever it is asked');
  });
});

describe('requireAbout', () => {
  it('lets nothing be signed but the evidence of the lifecycle that was asked for', () => {
    const about = toSign();
    requireAbout(about, about.wid, about.evidence);
    assert.throws(() => requireAbout(about, 'lifecycle/tickets/2', about.evidence), /sign nothing/);
    assert.throws(() => requireAbout(about, about.wid, aDigest('other')), /sign nothing/);
  });
});

describe('a trust file', () => {
  it('trusts a second key of a person without making two of them', () => {
    const second = newSigningKey('ada@example.com', ENVIRONMENT);
    const both = withKey(trust, second, []);
    assert.equal(both.people.length, 1);
    assert.equal(keysOf(both).length, 2);
    assert.deepEqual(withKey(both, second, ['data-science']), both, 'twice is once');
  });

  it('refuses one person under two spellings', () => {
    const capitals = newSigningKey('Ada@Example.com', ENVIRONMENT);
    assert.throws(
      () => withKey(trust, capitals, ['data-science']),
      /ada@example\.com stands twice/,
    );
  });

  it('refuses a key of another installation, or without a role', () => {
    const staging = newSigningKey('ada@example.com', 'staging');
    assert.throws(() => withKey(trust, staging, ['data-science']), /for "staging".* "production"/);
    assert.throws(() => withKey(trust, keys.eve, []), /has no role/);
    assert.throws(() => withRetired(trust, keys.eve.kid, NOW.toISOString()), /has no key/);
  });
});
