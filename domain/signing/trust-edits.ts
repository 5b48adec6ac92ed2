import { PortError } from '../failures.js';
import { trustSchema, type Delegation, type Trust, type TrustKey } from './trust.js';

interface OpenKey {
  readonly person: string;
  readonly environment: string;
  readonly kid: string;
  readonly x: string;
}

/** A trust file that trusts nobody yet, so that nobody may approve. */
export function emptyTrust(environment: string): Trust {
  return trustSchema.parse({ schemaVersion: 1, environment, people: [] });
}

/**
 * Trusts a person's key for roles, besides those that the person has.
 * @throws PortError `InvalidRequest` where the key is for another installation, somebody else's, or the person would have no role.
 */
export function withKey(trust: Trust, key: OpenKey, roles: readonly string[]): Trust {
  const { person, environment, kid, x } = key;
  requireEnvironment(trust, environment);
  const known = trust.people.find((each) => each.person === person);
  const entry: Trust['people'][number] = known ?? { person, roles: [], keys: [] };
  const isKnown = entry.keys.some((each) => each.kid === kid);
  const next = {
    person,
    roles: [...new Set([...entry.roles, ...roles])],
    ...(entry.delegated && { delegated: entry.delegated }),
    keys: isKnown ? entry.keys : [...entry.keys, { kid, x }],
  };
  if (next.roles.length === 0) throw invalid(`${person} has no role: name one with --role`);
  const others = trust.people.filter((each) => each !== known);
  return parsed({ ...trust, people: [...others, next] });
}

/**
 * Trusts a worker's key to seal what it writes.
 * @throws PortError `InvalidRequest` where the key is for another installation, or known already.
 */
export function withWitness(
  trust: Trust,
  { person: witness, environment, kid, x }: OpenKey,
): Trust {
  requireEnvironment(trust, environment);
  return parsed({ ...trust, witnesses: [...trust.witnesses, { witness, kid, x }] });
}

/**
 * Lets somebody decide for a role of somebody else for a while.
 * @throws PortError `InvalidRequest` where either is not known, the giver does not have the role, or the time has no length.
 */
export function withDelegation(trust: Trust, person: string, delegation: Delegation): Trust {
  const { by, role, from, until } = delegation;
  const giver = trust.people.find((each) => each.person === by);
  const taker = trust.people.find((each) => each.person === person);
  if (taker === undefined) throw invalid(`the trust file does not know ${person}`);
  if (giver?.roles.includes(role) !== true) throw invalid(`${by} does not have the role "${role}"`);
  if (person === by) throw invalid(`${by} has the role already`);
  if (Date.parse(until) <= Date.parse(from)) throw invalid('it ends before it begins');
  const delegated = [...(taker.delegated ?? []), delegation];
  const people = trust.people.map((each) => (each === taker ? { ...each, delegated } : each));
  return parsed({ ...trust, people });
}

/** From an instant on a key signs nothing new; what serves by it stands. */
export function withRetired(trust: Trust, kid: string, at: string): Trust {
  return changed(trust, kid, (key) => ({ ...key, retired: key.retired ?? at }));
}

/** What a key signed from an instant on is void, for somebody else may have it. An earlier instant replaces a later one. */
export function withRevoked(trust: Trust, kid: string, since: string): Trust {
  return changed(trust, kid, (key) => {
    const { compromised } = key;
    const isEarlier = compromised === undefined || Date.parse(since) < Date.parse(compromised);
    return isEarlier ? { ...key, compromised: since } : key;
  });
}

function changed(trust: Trust, kid: string, change: (key: TrustKey) => TrustKey): Trust {
  const isPersons = trust.people.some(({ keys }) => keys.some((key) => key.kid === kid));
  const isKnown = isPersons || trust.witnesses.some((key) => key.kid === kid);
  if (!isKnown) throw invalid(`the trust file has no key ${kid}: npx switchyard keys lists them`);
  return {
    ...trust,
    witnesses: trust.witnesses.map((key) =>
      key.kid === kid ? { ...change(key), witness: key.witness } : key,
    ),
    people: trust.people.map((each) => ({
      ...each,
      keys: each.keys.map((key) => (key.kid === kid ? change(key) : key)),
    })),
  };
}

function requireEnvironment(trust: Trust, environment: string): void {
  if (environment === trust.environment) return;
  throw invalid(`the key is for "${environment}", the trust file is of "${trust.environment}"`);
}

function parsed(trust: Trust): Trust {
  const result = trustSchema.safeParse(trust);
  if (result.success) return result.data;
  throw invalid(result.error.issues.map(({ message }) => message).join('; '));
}

const invalid = (sentence: string) => new PortError('InvalidRequest', sentence);
