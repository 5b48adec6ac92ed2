import { PortError } from '../failures.js';
import { trustSchema, type Trust, type TrustKey } from './trust.js';

/** A trust file that trusts nobody yet, so that nobody may approve. */
export function emptyTrust(environment: string): Trust {
  return trustSchema.parse({ schemaVersion: 1, environment, people: [] });
}

/**
 * Trusts a person's key for roles, besides those that the person has.
 * @throws PortError `InvalidRequest` where the key is for another installation, somebody else's, or the person would have no role.
 */
export function withKey(
  trust: Trust,
  key: { person: string; environment: string; kid: string; x: string },
  roles: readonly string[],
): Trust {
  const { person, environment, kid, x } = key;
  if (environment !== trust.environment) {
    throw invalid(`the key is for "${environment}", the trust file is of "${trust.environment}"`);
  }
  const known = trust.people.find((each) => each.person === person);
  const entry = known ?? { person, roles: [], keys: [] };
  const isKnown = entry.keys.some((each) => each.kid === kid);
  const next = {
    person,
    roles: [...new Set([...entry.roles, ...roles])],
    keys: isKnown ? entry.keys : [...entry.keys, { kid, x }],
  };
  if (next.roles.length === 0) throw invalid(`${person} has no role: name one with --role`);
  const others = trust.people.filter((each) => each !== known);
  const parsed = trustSchema.safeParse({ ...trust, people: [...others, next] });
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map(({ message }) => message).join('; '));
}

/** From an instant on a key signs nothing new; what was accepted before stands. */
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
  const isKnown = trust.people.some(({ keys }) => keys.some((key) => key.kid === kid));
  if (!isKnown) throw invalid(`the trust file has no key ${kid}: npx switchyard keys lists them`);
  return {
    ...trust,
    people: trust.people.map((each) => ({
      ...each,
      keys: each.keys.map((key) => (key.kid === kid ? change(key) : key)),
    })),
  };
}

const invalid = (sentence: string) => new PortError('InvalidRequest', sentence);
