import { readFile, rename, writeFile } from 'node:fs/promises';
import { TrustFile } from '../../adapters/trust/trust-file.js';
import { readPublicKey, writeKeyFile } from '../../client/signing/key-file.js';
import { newSigningKey, publicKeyOf } from '../../client/signing/signing-key.js';
import { PortError } from '../../domain/failures.js';
import { instantSchema } from '../../domain/names.js';
import { keysOf, type KnownKey, type Trust } from '../../domain/signing/trust.js';
import { witnessesOf } from '../../domain/signing/seal.js';
import {
  emptyTrust,
  withDelegation,
  withKey,
  withRetired,
  withRevoked,
  withWitness,
} from '../../domain/signing/trust-edits.js';
import type { Answer } from './terminal/answer.js';
import { defineCommand } from './terminal/define-command.js';
import { thisPerson } from './terminal/person.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';
import { trustFile } from './terminal/place.js';
import { renderTable } from './terminal/table.js';

const TRUST = {
  trust: {
    type: 'string',
    value: 'FILE',
    about: 'the trust file; SWITCHYARD_TRUST_FILE, else trust.json, where left out',
  },
} as const;

const fileOf = (given: string | undefined) => given ?? trustFile() ?? 'trust.json';

/** `switchyard keys`: whom the trust file trusts. */
export const runKeys = defineCommand({
  name: 'keys',
  takes: '',
  summary: 'whom the trust file trusts, for which roles, by which keys',
  options: TRUST,
  run: async ({ values }) => {
    const file = fileOf(values.trust);
    return shown(file, await new TrustFile(file).read());
  },
});

/** `switchyard keys new`: a private key in a file, for its owner alone. */
export const runKeysNew = defineCommand({
  name: 'keys new',
  takes: '<file>',
  summary: 'makes a private key for one person and one installation',
  more: [
    '<file> is for its owner alone and is never written over; the public half stands beside it, as <file>.pub.',
  ],
  options: {
    person: { type: 'string', value: 'WHO', about: 'whose it is; git’s user.email where left out' },
    environment: {
      type: 'string',
      value: 'NAME',
      about: 'the installation that it signs for, such as production; required',
    },
  },
  run: async ({ values, words: [file = ''] }) => {
    const { environment } = values;
    const person = values.person ?? (await thisPerson());
    if (environment === undefined) {
      throw new UsageError(
        `keys new needs an installation: ${typed('keys', 'new', file, '--environment', 'production')}`,
      );
    }
    const key = newSigningKey(person, environment);
    await writeKeyFile(file, key);
    const open = publicKeyOf(key);
    await writeFile(`${file}.pub`, `${JSON.stringify(open, null, 2)}\n`);
    return {
      lines: [
        `${file}: the key ${key.kid} of ${person} for ${environment}; ${file}.pub is for the trust file`,
      ],
      facts: { file, ...open },
      webUi: null,
      next: [typed('keys', 'trust', `${file}.pub`, '--role', 'data-science')],
    };
  },
});

/** `switchyard keys trust`: lets a key sign for roles. */
export const runKeysTrust = defineCommand({
  name: 'keys trust',
  takes: '<file>',
  summary:
    'trusts a person’s public key for roles, or a worker’s; makes the trust file where there is none',
  options: {
    ...TRUST,
    role: { type: 'string', value: 'ROLE', about: 'may be given several times', multiple: true },
    witness: {
      type: 'boolean',
      about: 'it is a worker’s, which seals what it writes and decides nothing',
    },
  },
  run: async ({ values, words: [file = ''] }) => {
    const key = await readPublicKey(file);
    const { witness: isWitness, role: roles = [] } = values;
    if (isWitness && roles.length > 0) throw new UsageError('a witness has no --role');
    return edited(fileOf(values.trust), (trust) => {
      const known = trust ?? emptyTrust(key.environment);
      return isWitness ? withWitness(known, key) : withKey(known, key, roles);
    });
  },
});

/** `switchyard keys delegate`: a role of somebody else, for a while. */
export const runKeysDelegate = defineCommand({
  name: 'keys delegate',
  takes: '<person>',
  summary: 'lets a person decide for a role of somebody else for a while',
  options: {
    ...TRUST,
    role: { type: 'string', value: 'ROLE', about: 'the role; required' },
    by: { type: 'string', value: 'WHO', about: 'who has it; git’s user.email where left out' },
    from: { type: 'string', value: 'INSTANT', about: 'from when on; now, where left out' },
    until: { type: 'string', value: 'INSTANT', about: 'such as 2026-01-31T00:00:00Z; required' },
  },
  run: async ({ values, words: [person = ''] }) => {
    const until = instantSchema.safeParse(values.until);
    const from = instantSchema.safeParse(values.from ?? new Date().toISOString());
    const { role } = values;
    if (!until.success || !from.success || role === undefined) {
      throw new UsageError(
        `keys delegate needs a role and instants: ${typed('keys', 'delegate', person, '--role', 'data-science', '--until', '2027-01-31T00:00:00Z')}`,
      );
    }
    const by = values.by ?? (await thisPerson());
    const delegation = { role, by, from: from.data, until: until.data };
    return edited(fileOf(values.trust), (trust) =>
      withDelegation(required(trust), person, delegation),
    );
  },
});

/** `switchyard keys retire`: what serves by it stands, it signs nothing new. */
export const runKeysRetire = defineCommand({
  name: 'keys retire',
  takes: '<kid>',
  summary: 'a key signs nothing new from now on; what serves by it stands',
  options: TRUST,
  run: ({ values, words: [kid = ''] }) =>
    edited(fileOf(values.trust), (trust) =>
      withRetired(required(trust), kid, new Date().toISOString()),
    ),
});

/** `switchyard keys revoke`: what it signed since is void. */
export const runKeysRevoke = defineCommand({
  name: 'keys revoke',
  takes: '<kid>',
  summary: 'what a key signed since an instant is void, for somebody else may have it',
  options: {
    ...TRUST,
    since: { type: 'string', value: 'INSTANT', about: 'such as 2026-01-31T00:00:00Z; required' },
  },
  run: ({ values, words: [kid = ''] }) => {
    const since = instantSchema.safeParse(values.since);
    if (!since.success) {
      throw new UsageError(
        `keys revoke needs the instant since when somebody else may have it: ${typed('keys', 'revoke', kid, '--since', new Date().toISOString())}`,
      );
    }
    return edited(fileOf(values.trust), (trust) => withRevoked(required(trust), kid, since.data));
  },
});

/** Changes the trust file at once, whole; whoever reads it meanwhile sees one or the other. */
async function edited(file: string, change: (trust: Trust | null) => Trust): Promise<Answer> {
  const isThere = await readFile(file).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    },
  );
  const trust = change(isThere ? await new TrustFile(file).read() : null);
  await writeFile(`${file}.new`, `${JSON.stringify(trust, null, 2)}\n`);
  await rename(`${file}.new`, file);
  return shown(file, trust);
}

function required(trust: Trust | null): Trust {
  if (trust !== null) return trust;
  throw new PortError(
    'InvalidRequest',
    'there is no trust file: npx switchyard keys trust makes it',
  );
}

function shown(file: string, trust: Trust): Answer {
  const keys = keysOf(trust);
  const witnesses = witnessesOf(trust);
  const rows = [
    ...keys.map((key) => [key.person, rolesShown(key), key.kid, stateOf(key, 'signs')]),
    ...witnesses.map((key) => [key.person, 'witness', key.kid, stateOf(key, 'seals')]),
  ];
  return {
    lines: [
      keys.length === 0
        ? `${file} (${trust.environment}) trusts nobody: nobody may approve`
        : `${file} (${trust.environment}) trusts`,
      ...renderTable(rows),
    ],
    facts: { file, environment: trust.environment, keys, witnesses },
    webUi: null,
    next: [],
  };
}

function rolesShown({ roles, delegated = [] }: KnownKey): string {
  const others = delegated.map(({ role, by, until }) => `${role} for ${by} until ${until}`);
  return [...roles, ...others].join(', ');
}

function stateOf({ retired, compromised }: KnownKey, does: string): string {
  if (compromised !== undefined) return `void since ${compromised}`;
  return retired === undefined ? does : `retired since ${retired}`;
}
