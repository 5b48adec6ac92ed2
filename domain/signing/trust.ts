import { z } from 'zod';
import { instantSchema, nameSchema } from '../names.js';
import { keyIdOf, keyIdSchema, publicKeySchema } from './jws.js';

/** A person's name, such as an address: printable ASCII, so that no two look the same. */
export const personSchema = z
  .string()
  .regex(/^[!-~]{1,200}$/, 'a person is 1 to 200 printable ASCII characters without spaces');

const keySchema = z.strictObject({
  kid: keyIdSchema,
  x: publicKeySchema,
  /** From then on it signs nothing new, and what is not live yet is asked again; what serves by it stands. */
  retired: instantSchema.optional(),
  /** Somebody else may have it since then: what it signed, or was accepted by it, from then on is void. */
  compromised: instantSchema.optional(),
});

export const delegationSchema = z.strictObject({
  role: nameSchema,
  /** Who has the role, and lets somebody else decide for it. */
  by: personSchema,
  from: instantSchema,
  until: instantSchema,
});
/** A role that somebody has for a while: what is decided in it stands. */
export type Delegation = z.infer<typeof delegationSchema>;

const personEntrySchema = z.strictObject({
  person: personSchema,
  roles: z.array(nameSchema).max(20),
  /** Roles of others for a while. One whose giver does not have it counts for nothing. */
  delegated: z.array(delegationSchema).max(20).optional(),
  keys: z.array(keySchema).max(20),
});

export const trustSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    /** Which installation this is; a statement for another one is void here. */
    environment: nameSchema,
    people: z.array(personEntrySchema).max(500),
    /** Keys of workers, which seal every `live.json` that they write; none: nothing is sealed. */
    witnesses: z
      .array(keySchema.extend({ witness: personSchema }))
      .max(100)
      .default([]),
    /** The least that a model needs, whatever its specification says: by default one person. */
    models: z
      .record(
        nameSchema,
        z.strictObject({
          quorum: z.int().min(0).max(20).default(1),
          /** Each of these must have approved. */
          roles: z.array(nameSchema).max(8).default([]),
          /** Nobody counts twice, for two roles, nor for what he started himself. */
          distinct: z.boolean().default(false),
          /** `signed`: somebody must have signed the start, so that `distinct` and policies can know who it was. */
          start: z.enum(['any', 'signed']).default('any'),
          /** `signed`: nobody falls back but a person who signs the order, so the monitor cannot. */
          fallback: z.enum(['any', 'signed']).default('any'),
        }),
      )
      .default({}),
  })
  .superRefine((trust, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message });
    const people = trust.people.map(({ person }) => person);
    const all = [...trust.people.flatMap(({ keys }) => keys), ...trust.witnesses];
    const kids = all.map(({ kid }) => kid);
    const spelt = people.map((person) => person.toLowerCase());
    for (const twice of [...repeated(spelt), ...repeated(kids)]) refuse(`${twice} stands twice`);
    for (const { kid, x } of all) {
      if (keyIdOf(x) !== kid) refuse(`the key ${kid} is not the one its kid names`);
    }
    const characters = JSON.stringify(signingKeysOf(trust)).length;
    if (characters > MOST_CHARACTERS) {
      refuse(`the keys that may sign have ${characters} characters, ${MOST_CHARACTERS} at most`);
    }
  });
/** Whom an installation trusts: people, roles and public keys. One local file; nothing in the bucket or in Temporal can weaken it. */
export type Trust = z.infer<typeof trustSchema>;
export type TrustKey = z.infer<typeof keySchema>;

/** As far as its keys go. */
interface People {
  readonly people: readonly z.infer<typeof personEntrySchema>[];
}

const repeated = (names: readonly string[]) =>
  new Set(names.filter((name, index) => names.indexOf(name) !== index));

/** A key and whose it is. */
export interface KnownKey extends TrustKey {
  readonly person: string;
  readonly roles: readonly string[];
  readonly delegated?: Delegation[] | undefined;
}

/** The roles in which a key's person could decide something that was signed and accepted then, in ms since the epoch. */
export function rolesAt(
  { roles, delegated = [] }: Pick<KnownKey, 'roles' | 'delegated'>,
  { signedMs, acceptedMs }: { readonly signedMs: number; readonly acceptedMs: number },
): readonly string[] {
  const [first, last] = [Math.min(signedMs, acceptedMs), Math.max(signedMs, acceptedMs)];
  const then = delegated.filter(
    ({ from, until }) => Date.parse(from) <= first && last < Date.parse(until),
  );
  return [...roles, ...then.map(({ role }) => role)];
}

/** Keys that may sign new decisions travel through history, where a payload has 128 KB: some 500 of them. */
const MOST_CHARACTERS = 100_000;

/** The keys that may sign new decisions, as a workflow verifies by them. */
export function signingKeysOf(trust: People): SigningKeys {
  return keysOf(trust)
    .filter((key) => key.retired === undefined && key.compromised === undefined)
    .map(({ kid, x, person, roles, delegated = [] }) => ({
      ...{ kid, x, person, roles: [...roles] },
      ...(delegated.length > 0 && { delegated: [...delegated] }),
    }));
}

type SigningKeys = {
  kid: string;
  x: string;
  person: string;
  roles: string[];
  delegated?: Delegation[];
}[];

/** Every key of a trust file. */
export function keysOf(trust: People): readonly KnownKey[] {
  const has = ({ by, role }: Delegation) =>
    trust.people.some(({ person, roles }) => person === by && roles.includes(role));
  return trust.people.flatMap(({ person, roles, keys, delegated }) => {
    const whole = delegated?.filter(has) ?? [];
    return keys.map((key) => ({
      ...{ ...key, person, roles },
      ...(whole.length > 0 && { delegated: whole }),
    }));
  });
}

/** The least that a model needs. */
export type Least = Trust['models'][string];

export function leastOf({ models }: Trust, model: string): Least {
  return models[model] ?? { quorum: 1, roles: [], distinct: false, start: 'any', fallback: 'any' };
}
