import assert from 'node:assert/strict';
import { cronProblem } from '../../domain/cron.js';

describe('cronProblem', () => {
  for (const cron of [
    '0 3 * * *',
    '*/15 0-6,22 1,15 jan-jun/2 MON-FRI',
    '0 0 1 1 ? 2030',
    '30 0 12 * * 7 *',
    '5/20 * * * sunday',
  ]) {
    it(`has nothing against ${cron}`, () => assert.equal(cronProblem(cron), null));
  }

  const wrong: readonly (readonly [cron: string, sentence: RegExp])[] = [
    ['0 3 * *', /has 4 fields, expected 5 to 7/],
    ['@daily', /has 1 fields/],
    ['0 0 3 * * * * *', /has 8 fields/],
    ['60 3 * * *', /wrong minute "60": it is 0 to 59/],
    ['0 24 * * *', /wrong hour "24": it is 0 to 23/],
    ['0 3 0 * *', /wrong day of the month "0": it is 1 to 31/],
    ['0 3 * 13 *', /wrong month "13"/],
    ['0 3 * * 8', /wrong day of the week "8": it is 0 to 7/],
    ['0 3 * * moonday', /wrong day of the week "moonday"/],
    ['0 3 * * * 1999', /wrong year/],
    ['*/0 3 * * *', /a step of 0 never ends/],
    ['9-3 * * * *', /"9-3" ends before it begins/],
    ['1,,2 * * * *', /"" is no value, range or step/],
    ['a-b-c * * * *', /is no value, range or step/],
    ['1.5 * * * *', /is no value/],
    ['-1 * * * *', /is no value/],
  ];
  for (const [cron, sentence] of wrong) {
    it(`refuses ${cron}`, () => assert.match(cronProblem(cron) ?? '', sentence));
  }
});
