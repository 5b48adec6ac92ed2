import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { PortError } from '../domain/failures.js';

const CONNECT_TIMEOUT = '8 seconds';

/** An open client; `close` it when done. */
export interface ConnectedClient {
  readonly client: Client;
  readonly address: string;
  readonly close: () => Promise<void>;
}

/**
 * Connects to the Temporal server that the standard environment names (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, TLS, API key, or a
 * profile of `temporal.toml`).
 * @throws PortError `TemporalUnreachable` within 10 s.
 */
export async function connectClient(
  given: { address?: string; namespace?: string } = {},
): Promise<ConnectedClient> {
  const loaded = loadClientConnectConfig();
  const address = given.address ?? loaded.connectionOptions.address ?? '127.0.0.1:7233';
  const namespace = given.namespace ?? loaded.namespace ?? 'default';
  try {
    const connection = await Connection.connect({
      ...loaded.connectionOptions,
      address,
      connectTimeout: CONNECT_TIMEOUT,
    });
    const client = new Client({ connection, namespace });
    return { client, address, close: () => connection.close() };
  } catch (error) {
    throw new PortError(
      'TemporalUnreachable',
      `no Temporal server answers at ${address}; start one with "npm run demo -- --keep" or set TEMPORAL_ADDRESS`,
      { cause: error, details: { address } },
    );
  }
}
