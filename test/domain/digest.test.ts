import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalJson, digestOfBytes, digestOfJson } from '../../domain/digest.js';

describe('canonicalJson', () => {
  it('sorts keys by code unit at every depth, without spaces', () => {
    const value = { b: [{ z: 1, a: null }], a: true, '\u20ac': 1, '\r': 2, '1': 'x' };

    assert.equal(
      canonicalJson(value),
      '{"\\r":2,"1":"x","a":true,"b":[{"a":null,"z":1}],"\u20ac":1}',
    );
  });

  it('writes numbers as JavaScript does', () => {
    assert.equal(canonicalJson([1e21, 1e-7, -0, 1.0, 0.1]), '[1e+21,1e-7,0,1,0.1]');
  });

  it('leaves out what is undefined', () => {
    assert.equal(canonicalJson({ a: undefined, b: 1 }), '{"b":1}');
  });

  it('refuses what JSON cannot say', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1, undefined, [undefined]]) {
      assert.throws(() => canonicalJson(bad), TypeError);
    }
  });

  it('says the same value as JSON, whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);

        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
        assert.equal(canonicalJson(reversed(value)), text);
        assert.equal(canonicalJson(JSON.parse(text)), text);
      }),
    );
  });
});

describe('digestOfBytes', () => {
  it('is sha256 in hex', () => {
    assert.equal(
      digestOfBytes(new TextEncoder().encode('abc')),
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(digestOfBytes(bytes), createHash('sha256').update(bytes).digest('hex'));
      }),
    );
  });
});

describe('digestOfJson', () => {
  it('does not depend on the order of the keys', () => {
    assert.equal(digestOfJson({ a: 1, b: 2 }), digestOfJson({ b: 2, a: 1 }));
    assert.notEqual(digestOfJson({ a: 1 }), digestOfJson({ a: '1' }));
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}
