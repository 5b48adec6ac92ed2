import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeKeyFile } from '../../client/signing/key-file.js';
import { newSigningKey, type SigningKey } from '../../client/signing/signing-key.js';
import { emptyTrust, withKey, withWitness } from '../../domain/signing/trust-edits.js';
import type { Approver } from './carry.js';

/** The demo's installation; a key for it is worth nothing elsewhere. */
const ENVIRONMENT = 'demo';

/** Who answers in the demo, with keys of their own, and whom its workers and its endpoint trust. */
export interface People {
  readonly approvers: readonly Approver[];
  readonly trustFile: string;
  /** Of the workers, which seal what they write. */
  readonly witnessKey: string;
  /** Of whoever tries things in a second terminal: trusted for both roles. */
  readonly visitorKey: string;
}

/** Makes keys and the trust file in a folder, which goes with the demo. */
export async function makePeople(directory: string): Promise<People> {
  await mkdir(directory, { recursive: true });
  const keyOf = (name: string) => newSigningKey(name, ENVIRONMENT);
  const ada = keyOf('ada@example.com');
  const grace = keyOf('grace@example.com');
  const visitor = keyOf('visitor@example.com');
  const worker = keyOf('worker');
  const trusted: readonly [SigningKey, readonly string[]][] = [
    [ada, ['data-science']],
    [grace, ['engineering']],
    [visitor, ['data-science', 'engineering']],
  ];
  const trust = trusted.reduce(
    (sum, [key, roles]) => withKey(sum, key, roles),
    withWitness(emptyTrust(ENVIRONMENT), worker),
  );
  const trustFile = join(directory, 'trust.json');
  await writeFile(trustFile, `${JSON.stringify(trust, null, 2)}\n`);
  const visitorKey = join(directory, 'visitor.key.json');
  await writeKeyFile(visitorKey, visitor);
  const witnessKey = join(directory, 'worker.key.json');
  await writeKeyFile(witnessKey, worker);
  return { approvers: approversOf(ada, grace), trustFile, witnessKey, visitorKey };
}

function approversOf(ada: SigningKey, grace: SigningKey): readonly Approver[] {
  return [
    {
      ...{ role: 'data-science', by: ada.person, key: ada, way: 'update' },
      reason: 'the gates hold on mails it has not seen',
    },
    {
      ...{ role: 'engineering', by: grace.person, key: grace, way: 'signal' },
      reason: 'latency and memory are within budget',
    },
  ];
}
