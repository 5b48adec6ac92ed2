import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import { PortError } from '../domain/failures.js';
import { SEARCH_ATTRIBUTES } from '../domain/search-attributes.js';
import { fromTemporal } from './failure.js';

const USABLE_WITHIN_MS = 30_000;
const USABLE_POLL_MS = 100;

/** Temporal's numbers of its types. */
const TYPE_NUMBERS = { Keyword: 2, KeywordList: 7 } as const;

// gRPC's INVALID_ARGUMENT, ALREADY_EXISTS, and those of a server that does not let us: PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED
const INVALID = 3;
const EXISTS = 6;
const NOT_ALLOWED: readonly number[] = [7, 12, 16];

/** `SEARCH_ATTRIBUTES` as the server's operator service takes them. */
export function searchAttributeTypes(): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPE_NUMBERS[type]]),
  );
}

/**
 * Registers the search attributes that workflows set and that the namespace lacks: an unregistered one would stall a workflow
 * task for ever.
 * @throws PortError `SetUpMissing` where one has another type, or where the server lets only its operators register (as Temporal
 * Cloud does), with the command to type; `TemporalUnreachable`.
 */
export async function registerSearchAttributes(client: Client): Promise<void> {
  const missing = await missingNames(client);
  if (missing.length === 0) return;
  const { namespace } = client.options;
  const { operatorService } = client.connection;
  const types = Object.entries(searchAttributeTypes());
  const searchAttributes = Object.fromEntries(types.filter(([name]) => missing.includes(name)));
  try {
    await operatorService.addSearchAttributes({ namespace, searchAttributes });
  } catch (error) {
    if (isNotAllowed(error)) throw notRegistered(namespace, missing);
    if (codeOf(error) !== EXISTS) throw fromTemporal(error); // else another worker was faster
  }
  await untilUsable(client, missing);
}

/** A cluster's servers learn of new attributes one after the other. */
async function untilUsable(client: Client, names: readonly string[]): Promise<void> {
  const until = Date.now() + USABLE_WITHIN_MS;
  while ((await unsearchableNames(client, names)).length > 0 && Date.now() < until) {
    await delay(USABLE_POLL_MS);
  }
}

async function missingNames(client: Client): Promise<readonly string[]> {
  const { namespace } = client.options;
  const { operatorService } = client.connection;
  const names = Object.keys(SEARCH_ATTRIBUTES);
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({
      namespace,
    });
    const foundTypes = new Map<string, number>(Object.entries(customAttributes));
    for (const [name, type] of Object.entries(searchAttributeTypes())) {
      const found = foundTypes.get(name);
      if (found !== undefined && found !== type) throw otherType(namespace, name);
    }
    return names.filter((name) => !foundTypes.has(name));
  } catch (error) {
    if (!isNotAllowed(error)) throw fromTemporal(error);
    return await unsearchableNames(client, names);
  }
}

/** Where attributes may not be listed: those by which the server cannot search. */
async function unsearchableNames(client: Client, names: readonly string[]) {
  const { namespace } = client.options;
  const missing: string[] = [];
  for (const name of names) {
    try {
      await client.workflowService.countWorkflowExecutions({ namespace, query: `${name} IS NULL` });
    } catch (error) {
      if (codeOf(error) !== INVALID) throw fromTemporal(error);
      missing.push(name);
    }
  }
  return missing;
}

function isNotAllowed(error: unknown): boolean {
  return NOT_ALLOWED.includes(codeOf(error));
}

function codeOf(error: unknown): number {
  const code: number = isGrpcServiceError(error) ? error.code : Number.NaN;
  return code;
}

function notRegistered(namespace: string, missing: readonly string[]): PortError {
  const types = new Map<string, string>(Object.entries(SEARCH_ATTRIBUTES));
  const flags = missing.map((name) => `--name ${name} --type ${types.get(name) ?? ''}`).join(' ');
  return new PortError(
    'SetUpMissing',
    `the namespace "${namespace}" lacks search attributes that this worker may not create (${missing.join(', ')}); somebody who may types: temporal operator search-attribute create --namespace ${namespace} ${flags}`,
    { details: { namespace, missing } },
  );
}

function otherType(namespace: string, name: string): PortError {
  const type = new Map<string, string>(Object.entries(SEARCH_ATTRIBUTES)).get(name) ?? '';
  return new PortError(
    'SetUpMissing',
    `the search attribute ${name} of the namespace "${namespace}" is not of the type ${type}: use another namespace, or remove it with temporal operator search-attribute remove --namespace ${namespace} --name ${name}`,
    { details: { namespace, name, expected: type } },
  );
}
