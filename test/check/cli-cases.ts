import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { COMMANDS } from '../../scripts/commands/list.js';
import type { Command } from '../../scripts/commands/terminal/define-command.js';
import type { CliWorld } from './cli-world.js';

const CONFIG = fileURLToPath(
  new URL('../scripts/commands/fixtures/switchyard.config.ts', import.meta.url),
);
const TRAINED = fileURLToPath(
  new URL('../lifecycle/fixtures/switchyard.config.ts', import.meta.url),
);

/** What a command meets. */
export const SITUATIONS = [
  'no server',
  'silent server',
  'no worker',
  'wrong name',
  'wrong id',
  'Ctrl-C',
] as const;
export type Situation = (typeof SITUATIONS)[number];

/** One command in one situation, and how it may end. */
export interface CliCase {
  readonly command: string;
  readonly situation: Situation;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly codes: readonly number[];
  /** Exit 1 is an answer: the list of what it found, on standard output. */
  readonly finds?: boolean;
  /** What is said where it does not end with 0. */
  readonly sentence: RegExp;
  /** A text on standard error after which Ctrl-C is typed; a second and a half after the start where left out. */
  readonly interruptAfter?: RegExp;
}

/** They work in this folder alone; what they meet of a situation is written down below. */
const LOCAL = new Set([
  ...['init', 'setup', 'dev', 'train', 'test', 'worker', 'endpoint'],
  ...['keys', 'keys new', 'keys trust', 'keys delegate', 'keys retire', 'keys revoke'],
]);
/** They need no answer of a worker: Temporal or the bucket itself knows. */
const WITHOUT_WORKER = new Set([
  ...['status', 'cancel', 'versions', 'show', 'report', 'diff', 'pull', 'predict', 'snapshot'],
  ...['reproduce'],
  ...['sweep', 'forget', 'labels add', 'schedule list', 'schedule pause', 'schedule resume'],
  ...[
    'follow-ups',
    'schedule trigger',
    'release',
    'builds',
    'verify',
    'audit',
    'audit verify',
    'regressions',
  ],
]);
/** What has to be chosen, where a command does one of several things. */
const FLAGS: Readonly<Record<string, readonly string[]>> = { undo: ['--retry'] };
/** Nobody of that name is an answer too. */
const ANY_NAME = new Set(['forget']);

const UNREACHABLE =
  /no Temporal server answers at|cannot be reached|does not answer|no endpoint answers|did not answer|unreachable/;

/** Every command in every situation that it can be in. */
export async function cliCases(world: CliWorld): Promise<readonly CliCase[]> {
  const commands = await Promise.all(
    Object.entries(COMMANDS)

      .map(async ([name, load]) => ({ name, command: await load() })),
  );
  return commands.flatMap(({ name, command }) =>
    LOCAL.has(name) ? localCases(name, world) : serverCases(name, command, world),
  );
}

function serverCases(name: string, command: Command, world: CliWorld): readonly CliCase[] {
  const make = (
    situation: Situation,
    place: 'nowhere' | 'silent' | 'withoutWorker' | 'whole',
    given: Partial<CliCase> & { readonly word?: string; readonly number?: string } = {},
  ): CliCase => {
    const { word = world.model, number = '1', ...rest } = given;
    const args = argumentsOf(name, command, { world, word, number });
    const environment = world[place];
    return { command: name, situation, args, environment, codes: [1], sentence: /./, ...rest };
  };
  const { takes } = command.definition;
  const takesName = /<(model|lifecycle|source|customer)>/.test(takes);
  const wrongId = wrongIdOf(name, takes);
  return [
    make('no server', 'nowhere', { sentence: UNREACHABLE }),
    make('silent server', 'silent', { sentence: UNREACHABLE }),
    make(
      'no worker',
      'withoutWorker',
      WITHOUT_WORKER.has(name)
        ? { codes: [0, 1], finds: name === 'verify' || name === 'audit verify' }
        : { sentence: /no worker polls/ },
    ),
    ...(takesName
      ? [
          make('wrong name', 'whole', {
            word: `no-such-${name.replace(' ', '-')}`,
            ...(ANY_NAME.has(name) && { codes: [0] }),
          }),
        ]
      : []),
    ...(wrongId === null ? [] : [make('wrong id', 'whole', wrongId)]),
    make('Ctrl-C', 'silent', { codes: [130], sentence: /interrupted/ }),
  ];
}

function wrongIdOf(name: string, takes: string): { word?: string; number?: string } | null {
  if (takes.includes('<follow-up>')) return { word: 'follow-up/no-such-name/fallback-g1' };
  if (takes.includes('<lifecycle>')) return { word: 'lifecycle/no-such-name/00000000' };
  return takes.includes('<n>') || name === 'predict' ? { number: '99' } : null;
}

/** A whole command line by what the command declares, so that a new command is tried without a word here. */
function argumentsOf(
  name: string,
  { definition }: Command,
  given: { world: CliWorld; word: string; number: string },
): readonly string[] {
  const { world, word, number } = given;
  const words = [...definition.takes.matchAll(/<([\w-]+)>/g)].map(([, what = '']) => {
    if (what === 'n' || what === 'm') return number;
    const isRight = word === world.model;
    return isRight && (what === 'source' || name === 'sweep') ? 'mails' : word; // what the configuration has
  });
  const values: Readonly<Record<string, string>> = {
    ...{
      reason: 'because',
      config: CONFIG,
      text: 'refund',
      file: name === 'labels add' ? world.labels : world.rows,
    },
    out: join(world.folder, `out-${name}-${word}-${number}`.replaceAll('/', '-')),
    ...(number !== '1' && name === 'predict' && { version: number }),
    ...(name === 'close' && { role: 'engineering' }),
  };
  const options = Object.keys(definition.options).flatMap((option) => {
    const value = Object.hasOwn(values, option) ? values[option] : undefined;
    return value === undefined ? [] : [`--${option}`, value];
  });
  return [...name.split(' '), ...words, ...options, ...(FLAGS[name] ?? [])];
}

/** What those that need no server meet: a wrong name, and Ctrl-C while they work. */
function localCases(name: string, world: CliWorld): readonly CliCase[] {
  const given = (
    situation: Situation,
    args: readonly string[],
    rest: Partial<CliCase>,
  ): CliCase => ({
    ...{ command: name, situation, args: [...name.split(' '), ...args], environment: {} },
    ...{ codes: [1], sentence: /./, ...rest },
  });
  const train = ['killed-in-convert', '--local', '--config', TRAINED];
  const cases: Readonly<Record<string, readonly CliCase[]>> = {
    init: [
      given('wrong name', ['No_Name/..', '--model', 'No Name'], {
        codes: [2],
        sentence: /no model’s name/,
      }),
      given('wrong id', ['new', '--csv', 'no-such-file.csv'], { codes: [1, 2] }),
    ],
    worker: [
      given('no server', [], {
        sentence: UNREACHABLE,
        environment: { ...world.nowhere, SWITCHYARD_CONFIG: CONFIG },
      }),
      given('wrong name', [], {
        sentence: /does not load/,
        environment: { ...world.whole, SWITCHYARD_CONFIG: 'no-such-file.ts' },
      }),
    ],
    endpoint: [
      given('wrong name', [], {
        sentence: /a name is 1 to 63/,
        environment: { ...world.whole, SWITCHYARD_MODELS: 'No Name' },
      }),
    ],
    setup: [given('wrong name', ['--config', 'no-such-file.ts'], { sentence: /does not load/ })],
    dev: [
      given('wrong name', ['--config', 'no-such-file.ts'], { sentence: /does not load/ }),
      given('Ctrl-C', ['--config', CONFIG], {
        codes: [130],
        sentence: /interrupted/,
        interruptAfter: /starting Temporal/,
      }),
    ],
    train: [
      given('wrong name', ['no-such-name', '--local', '--config', TRAINED], {
        sentence: /no model "no-such-name"/,
      }),
      given('Ctrl-C', [...train, '--out', join(world.folder, 'trained')], {
        ...{ codes: [130], sentence: /interrupted/, interruptAfter: /training on/ },
      }),
    ],
    keys: [given('wrong name', ['--trust', 'no-such-file.json'], { sentence: /cannot be read/ })],
    'keys new': [
      given('wrong name', ['no-such-folder/x.json', '--environment', 'production'], {
        sentence: /cannot be written/,
      }),
      given('wrong id', ['x.json', '--environment', 'No Name'], { sentence: /a name is 1 to 63/ }),
    ],
    'keys trust': [
      given('wrong name', ['no-such-file.pub', '--role', 'engineering'], {
        sentence: /cannot be read/,
      }),
    ],
    'keys delegate': [
      given('wrong id', ['joan@example.com', '--role', 'x', '--until', '2027-01-31T00:00:00Z'], {
        sentence: /there is no trust file/,
      }),
      given('wrong name', ['joan@example.com', '--role', 'x', '--until', 'soon'], {
        codes: [2],
        sentence: /needs a role and instants/,
      }),
    ],
    'keys retire': [given('wrong id', ['no-such-key'], { sentence: /there is no trust file/ })],
    'keys revoke': [
      given('wrong id', ['no-such-key', '--since', '2026-01-31T00:00:00Z'], {
        sentence: /there is no trust file/,
      }),
      given('wrong name', ['no-such-key', '--since', 'yesterday'], {
        codes: [2],
        sentence: /needs the instant/,
      }),
    ],
    test: [
      given('wrong name', ['no-such-file.onnx', '--config', CONFIG], {
        sentence: /there is no file/,
      }),
    ],
  };
  return cases[name] ?? [];
}
