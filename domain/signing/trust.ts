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
  /** From then on it signs nothing new; what was accepted before stands. */
  retired: instantSchema.optional(),
  /** Somebody else may have it since then: what it signed, or was accepted by it, from then on is void. */
  compromised: instantSchema.optional(),
});

const personEntrySchema = z.strictObject({
  person: personSchema,
  roles: z.array(nameSchema).max(20),
  keys: z.array(keySchema).max(20),
});

export const trustSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    /** Which installation this is; a statement for another one is void here. */
    environment: nameSchema,
    people: z.array(personEntrySchema).max(500),
    /** The least that a model needs, whatever its specification says: by default one person. */
    models: z
      .record(
        nameSchema,
        z.strictObject({
          quorum: z.int().min(0).max(20).default(1),
          /** Each of these must have approved. */
          roles: z.array(nameSchema).max(8).default([]),
        }),
      )
      .default({}),
  })
  .superRefine((trust, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message });
    const people = trust.people.map(({ person }) => person);
    const kids = trust.people.flatMap(({ keys }) => keys.map(({ kid }) => kid));
    const spelt = people.map((person) => person.toLowerCase());
    for (const twice of [...repeated(spelt), ...repeated(kids)]) refuse(`${twice} stands twice`);
    for (const { kid, x } of trust.people.flatMap(({ keys }) => keys)) {
      if (keyIdOf(x) !== kid) refuse(`the key ${kid} is not the one its kid names`);
    }
  });
/** Whom an installation trusts: people, roles and public keys. One local file; nothing in the bucket or in Temporal can weaken it. */
export type Trust = z.infer<typeof trustSchema>;
export type TrustKey = z.infer<typeof keySchema>;

const repeated = (names: readonly string[]) =>
  new Set(names.filter((name, index) => names.indexOf(name) !== index));

/** A key and whose it is. */
export interface KnownKey extends TrustKey {
  readonly person: string;
  readonly roles: readonly string[];
}

/** Every key of a trust file. */
export function keysOf(trust: Trust): readonly KnownKey[] {
  return trust.people.flatMap(({ person, roles, keys }) =>
    keys.map((key) => ({ ...key, person, roles })),
  );
}

/** The least that a model needs. */
export function leastOf({ models }: Trust, model: string): { quorum: number; roles: string[] } {
  return models[model] ?? { quorum: 1, roles: [] };
}
