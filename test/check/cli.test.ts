import assert from 'node:assert/strict';
import { cliCases, SITUATIONS, type CliCase } from './cli-cases.js';
import { openCliWorld, type CliWorld } from './cli-world.js';
import { runCliCase } from './run-cli-case.js';

/** One that lists, one that starts, one that decides, one that reads the bucket, one that asks the endpoint, one that trains here. */
const SHOWN = ['status', 'start', 'approve', 'show', 'predict', 'train'];

describe('commands that cannot do what they are asked', () => {
  let world: CliWorld;
  let cases: readonly CliCase[] = [];

  before(async function () {
    this.timeout(60_000);
    world = await openCliWorld();
    cases = await cliCases(world);
  });
  after(() => world[Symbol.asyncDispose]());

  for (const situation of SITUATIONS) {
    it(`say so in one sentence, and leave nothing running: ${situation}`, async function () {
      this.timeout(90_000);
      const met = cases.filter(
        (each) => each.situation === situation && SHOWN.includes(each.command),
      );
      assert.ok(met.length > 0);
      const results = await Promise.all(met.map((each) => runCliCase(each, world.folder)));
      const problems = results.flatMap((result) =>
        result.problems.map((problem) => `${result.of.command}: ${problem}: ${result.sentence}`),
      );
      assert.deepEqual(problems, []);
    });
  }
});
