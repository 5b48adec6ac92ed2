import assert from 'node:assert/strict';
import { seededRandom } from '../../domain/random.js';
import { testServers } from '../../testing/servers.js';
import { allCells, runCell } from './s3/cells.js';
import { attackServing } from './s3/serving.js';
import { killStore } from './s3/store-kills.js';
import { startTcpProxy } from './tcp-proxy.js';

const QUIET = { say: () => undefined };

/** One of each fault that can leave something half done, where it would. */
const SOME = [
  'publish: claim / reset before the answer / once',
  'publish: file / HTTP 409 / until mended',
  'publish: file / turned bit in the request / until mended',
  'publish: manifest / turned bit in the request / until mended',
  'publish: manifest / truncated request / until mended',
  'fetch version / truncated answer / once',
  'save checkpoint / HTTP 409 / once',
  'promote: write / reset before the answer / once',
  'promote / blackhole / until mended',
  'undo a promotion / HTTP 503 / until mended',
  'live / turned bit in the answer / until mended',
  'append predictions / refuse / until mended',
];

/** `npm run chaos -- s3` at a size that every test run can bear. */
describe('a spoiled store', () => {
  it('leaves nothing half done, and every call is right once the fault is gone', async () => {
    const { s3 } = await testServers();
    await using proxy = await startTcpProxy(Number(new URL(s3.endpoint).port));
    const cells = allCells(seededRandom(11)).filter(({ name }) => SOME.includes(name));
    assert.equal(cells.length, SOME.length);
    for (const cell of cells) {
      const { violations } = await runCell(cell, { proxy, s3 });
      assert.deepEqual(violations, []);
    }
  }).timeout(60_000);

  it('has every operation of the registry under every fault', () => {
    const names = allCells(seededRandom(1)).map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('publish: manifest / turned bit in the request / until mended'));
    assert.ok(names.includes('fall back / HTTP 409 / once'));
  });

  it('does not stop an endpoint, which serves what is live once it can', async () => {
    const { s3 } = await testServers();
    await using proxy = await startTcpProxy(Number(new URL(s3.endpoint).port));
    const faults = ['turned bit in the answer', 'refuse'];
    const end = await attackServing({ ...QUIET, s3, proxy, faults, random: seededRandom(1) });
    assert.deepEqual(end.violations, []);
    assert.equal(end.versions, 1 + faults.length);
  }).timeout(60_000);

  it('has what it acknowledged, whole, after it was killed among writers', async () => {
    const end = await killStore({ ...QUIET, kills: 1, random: seededRandom(1) });
    assert.deepEqual(end.violations, []);
    assert.ok(end.acknowledged > 0);
  }).timeout(60_000);
});
