import { debuglog } from 'node:util';
import { isPortError } from '../../../domain/failures.js';
import { answerJson, renderAnswer, type Answer } from './answer.js';
import { harmless } from './harmless.js';
import {
  COMMON_OPTIONS,
  readCommandLine,
  type Option,
  type Options,
  type Values,
} from './options.js';
import { renderTable } from './table.js';
import { createTerminal, type Terminal } from './terminal.js';
import { UsageError } from './usage-error.js';

const debug = debuglog('switchyard');

/** What a command's work is given. */
export interface Asked<O extends Options> {
  readonly values: Values<O>;
  /** The arguments that are no options, in order; as many as `takes` names. */
  readonly words: readonly string[];
  readonly terminal: Terminal;
}

/** One subcommand, as its help tells it. */
interface Definition {
  /** As it is typed, such as `start` or `labels add`. */
  readonly name: string;
  /** Its words, such as `<model> [<n>]`; `''` for none. */
  readonly takes: string;
  /** One line. */
  readonly summary: string;
  /** More lines for its own help; left out where the options say it all. */
  readonly more?: readonly string[] | undefined;
  readonly options: Options;
}

/** A subcommand: resolves to the exit code (0, 1 could not be done, 2 wrong usage, 130 interrupted); never rejects. */
export interface Command {
  (args: readonly string[]): Promise<number>;
  readonly definition: Definition;
}

/**
 * Makes a subcommand of its work: reads the command line, prints help or the answer (or with `--json` one object, errors
 * included), and turns what is thrown into one sentence on standard error.
 */
export function defineCommand<const O extends Options>(
  definition: Definition & {
    readonly options: O;
    readonly run: (asked: Asked<O>) => Promise<Answer>;
    /** True where the work itself ends what it started when `terminal.interrupted` aborts; else Ctrl-C ends the process. */
    readonly endsItself?: boolean;
  },
): Command {
  const { name, takes, summary, more, options, run } = definition;
  const command = async (args: readonly string[]): Promise<number> => {
    const interruption = new AbortController();
    const json = args.includes('--json');
    let hasAnswered = false;
    const terminal = createTerminal(json, interruption.signal);
    const onInterrupt = () => {
      if (!interruption.signal.aborted) terminal.say(terminal.farewell());
      interruption.abort(new Error('interrupted'));
      if (definition.endsItself !== true) process.exit(INTERRUPTED);
    };
    for (const signal of STOP_SIGNALS) process.on(signal, onInterrupt);
    try {
      const line = readCommandLine(definition, args);
      if (line.help) {
        process.stdout.write(renderHelp({ name, takes, summary, more, options }));
        return 0;
      }
      const answer = await run({ values: line.values, words: line.words, terminal });
      process.stdout.write(json ? answerJson(answer) : renderAnswer(answer));
      if (answer.stays === undefined) return answer.exitCode ?? 0;
      hasAnswered = true;
      await answer.stays;
      return 0;
    } catch (error) {
      if (interruption.signal.aborted && !hasAnswered) return INTERRUPTED;
      return tell(error, json && !hasAnswered);
    } finally {
      for (const signal of STOP_SIGNALS) process.off(signal, onInterrupt);
    }
  };
  return Object.assign(command, { definition: { name, takes, summary, more, options } });
}

const INTERRUPTED = 130;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One sentence on standard error, and where JSON was asked for the same as an object; resolves to the exit code. */
function tell(error: unknown, json: boolean): 1 | 2 {
  const message = error instanceof Error ? error.message : String(error);
  const sentence = message.replaceAll(/\s*\n\s*/g, ' ').trim();
  debug('%O', error); // NODE_DEBUG=switchyard shows where it comes from
  const isUsage = error instanceof UsageError;
  const type = isPortError(error) ? error.type : isUsage ? 'WrongUsage' : 'Internal';
  const shown = type === 'Internal' ? `${sentence} (NODE_DEBUG=switchyard tells more)` : sentence;
  process.stderr.write(`${harmless(shown)}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: sentence, type })}\n`);
  return isUsage ? 2 : 1;
}

function renderHelp(given: {
  readonly name: string;
  readonly takes: string;
  readonly summary: string;
  readonly more: readonly string[] | undefined;
  readonly options: Options;
}): string {
  const options: readonly (readonly [string, Option])[] = Object.entries({
    ...given.options,
    ...COMMON_OPTIONS,
  });
  const rows = options.map(([name, { value, about, multiple }]) => [
    `  --${name}${value === undefined ? '' : ` ${value}`}`,
    `${about}${multiple === true ? '; may be given several times' : ''}`,
  ]);
  return [
    `npx switchyard ${[given.name, given.takes].join(' ').trim()}`,
    `  ${given.summary}`,
    ...(given.more ?? []).map((line) => `  ${line}`),
    '',
    ...renderTable(rows),
    '',
  ].join('\n');
}
