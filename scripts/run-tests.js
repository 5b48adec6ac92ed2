/**
 * Runs every test in two mocha processes side by side, each with servers of its own: most of a test's time is waiting. The second
 * one's report follows the first's, and the last line counts both. Arguments go to both.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';

/** What types commands, installs packages, opens a browser, attacks, or runs the whole line; about as long as all the rest. */
const OUTSIDE = /^test\/(package|scripts|examples|check|browser|lifecycle|attack)\//;

const COUNTS = /^(\d+) passed, (\d+) failed$/gm;

/** Resolves to its report and what it counted; a process that counted nothing has failed. */
function run(files) {
  const mocha = ['node_modules/mocha/bin/mocha.js', ...process.argv.slice(2), ...files];
  const child = spawn(process.execPath, mocha, { stdio: ['inherit', 'pipe', 'pipe'] });
  let report = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (report += text));
  }
  return new Promise((resolve) => {
    child.once('close', (code) => {
      const [, passed, failed] = [...report.matchAll(COUNTS)].at(-1) ?? ['', '0', '1'];
      process.stdout.write(report.replaceAll(COUNTS, ''));
      resolve({ code: code ?? 1, passed: Number(passed), failed: Number(failed) });
    });
  });
}

const files = readdirSync('test', { recursive: true })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/${file}`)
  .sort();
const [inside, outside] = await Promise.all([
  run(files.filter((file) => !OUTSIDE.test(file))),
  run(files.filter((file) => OUTSIDE.test(file))),
]);
const [passed, failed] = [inside.passed + outside.passed, inside.failed + outside.failed];
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = inside.code || outside.code || (failed > 0 ? 1 : 0);
