import { parseArgs } from 'node:util';
import { nearestName } from '../../../domain/nearest-name.js';
import { UsageError } from './usage-error.js';

/** An option of a command, with what its help says. */
export interface Option {
  readonly type: 'string' | 'boolean';
  /** One line for the help. */
  readonly about: string;
  /** What stands for the value in the help, such as `N`; left out for a boolean. */
  readonly value?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
}

/** Options by name, without the two hyphens. */
export type Options = Readonly<Record<string, Option>>;

/** What was given for one option. */
type Given<O extends Option> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly multiple: true }
    ? readonly string[] | undefined
    : string | undefined;

/** What was given for each option; a boolean that was not given is false. */
export type Values<O extends Options> = { readonly [Name in keyof O]: Given<O[Name]> };

/** What every command takes besides its own options. */
export const COMMON_OPTIONS = {
  json: { type: 'boolean', about: 'one JSON object on stdout, and nothing else' },
  help: { type: 'boolean', about: 'this text' },
} as const satisfies Options;

/** A command line by the options and words that a command declares. */
export interface CommandLine<O extends Options> {
  readonly values: Values<O>;
  readonly words: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
}

/**
 * Reads a command's arguments.
 * @param given - `takes` names the words, such as `<model> [<n>]`; a last one with `…` may come several times.
 * @throws UsageError naming the nearest option, or the word that is missing or too much.
 */
export function readCommandLine<const O extends Options>(
  given: { readonly name: string; readonly takes: string; readonly options: O },
  args: readonly string[],
): CommandLine<O> {
  const options = { ...given.options, ...COMMON_OPTIONS };
  const { values, positionals } = parse(given.name, args, options);
  const help = values['help'] === true;
  if (!help) checkWords(given, positionals);
  const flags = Object.entries(given.options).flatMap(([name, { type }]) =>
    type === 'boolean' ? [[name, false] as const] : [],
  );
  const read: unknown = { ...Object.fromEntries(flags), ...values };
  if (!isValuesOf<O>(read)) throw new UsageError(`${given.name} takes options`);
  return { values: read, words: positionals, json: values['json'] === true, help };
}

/** `parseArgs` has checked each value against the declared type; this says so to the compiler. */
function isValuesOf<O extends Options>(read: unknown): read is Values<O> {
  return typeof read === 'object' && read !== null;
}

function parse(name: string, args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(sentenceOf(error.message, name, Object.keys(options)));
  }
}

/** Node's message, shortened to the part that people need, with the nearest option. */
function sentenceOf(message: string, command: string, known: readonly string[]): string {
  const more = `type npx switchyard ${command} --help`;
  const unknown = /^Unknown option '-+([^']*)'/.exec(message)?.[1];
  if (unknown === undefined) {
    const [first = ''] = message.split(/\n|\. /);
    return `${command}: ${first.charAt(0).toLowerCase()}${first.slice(1)}; ${more}`;
  }
  const nearest = nearestName(unknown, known);
  const hint = nearest === null ? more : `did you mean "--${nearest}"?`;
  return `${command} has no option "--${unknown}"; ${hint}`;
}

function checkWords(
  { name, takes }: { readonly name: string; readonly takes: string },
  words: readonly string[],
): void {
  const declared = takes.split(' ').filter((word) => word !== '');
  const required = declared.filter((word) => !word.startsWith('['));
  const missing = required[words.length];
  const usage = `type npx switchyard ${[name, takes].join(' ').trim()}`;
  if (missing !== undefined) throw new UsageError(`${name} needs ${missing}; ${usage}`);
  const extra = words[declared.length];
  if (extra !== undefined && !takes.includes('…')) {
    throw new UsageError(`${name} does not know what to do with "${extra}"; ${usage}`);
  }
}
