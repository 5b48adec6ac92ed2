import { isPortError } from '../domain/failures.js';
import { runTest } from './commands/test.js';
import { runTrain } from './commands/train.js';

/** One subcommand a file. Each resolves to the exit code. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  test: runTest,
  train: runTrain,
};

const USAGE = `switchyard test <model.onnx> [--model NAME] [--rows held-out.jsonl] [--json]
  Runs the test stage's measurements and gates on a converted model, without Temporal.
  Beside the file must lie model.json (and the front end it names), as the trainer kit writes them.
switchyard train <model> --local [--out FOLDER] [--parameters JSON] [--json]
  Trains, converts and tests a model of switchyard.config.ts in a local folder, without Temporal.
`;

const [name, ...args] = process.argv.slice(2);
const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (name === '--help') {
  process.stdout.write(USAGE);
} else if (command === undefined) {
  process.stderr.write(name === undefined ? USAGE : `there is no command "${name}"\n${USAGE}`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await command(args);
  } catch (error) {
    const known = isPortError(error) || isUsageError(error);
    if (!known) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** What `parseArgs` throws for an unknown or malformed option. */
function isUsageError(error: unknown): error is Error {
  return (
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  );
}
