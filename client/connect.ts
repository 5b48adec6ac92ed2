import { once } from 'node:events';
import { connect } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { PortError } from '../domain/failures.js';
import { startTracing } from './tracing.js';

const CONNECT_TIMEOUT = '8 seconds';
const KNOCK_MS = 1_000;

/** An open client; `close` it when done. */
export interface ConnectedClient {
  readonly client: Client;
  readonly address: string;
  readonly close: () => Promise<void>;
}

/**
 * Connects to the Temporal server that the standard environment names (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, TLS, API key, or a
 * profile of `temporal.toml`).
 * @param given - `isImpatient`: where the address refuses it gives up at once, else it tries on for some seconds.
 * @throws PortError `TemporalUnreachable` within 10 s.
 */
export async function connectClient(
  given: { address?: string; namespace?: string; isImpatient?: boolean } = {},
): Promise<ConnectedClient> {
  const loaded = loadProfile();
  const address = given.address ?? loaded.connectionOptions.address ?? '127.0.0.1:7233';
  const namespace = given.namespace ?? loaded.namespace ?? 'default';
  try {
    if (given.isImpatient === true) await knock(address);
    const connection = await Connection.connect({
      ...loaded.connectionOptions,
      address,
      connectTimeout: CONNECT_TIMEOUT,
    });
    const tracing = await startTracing('switchyard-client');
    const client = new Client({
      ...{ connection, namespace },
      interceptors: { workflow: tracing === null ? [] : [tracing.clientInterceptor] },
    });
    const close = async () => {
      await connection.close();
      await tracing?.flush();
    };
    return { client, address, close };
  } catch (error) {
    throw new PortError(
      'TemporalUnreachable',
      `no Temporal server answers at ${address}; start one with "npx switchyard dev" or set TEMPORAL_ADDRESS`,
      { cause: error, details: { address } },
    );
  }
}

/** @throws PortError `SetUpMissing` where the file or the profile that the environment names cannot be read. */
function loadProfile(): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown error';
    throw new PortError(
      'SetUpMissing',
      `Temporal's configuration (temporal.toml, TEMPORAL_PROFILE, TEMPORAL_TLS and the like) cannot be read: ${why}`,
      { cause },
    );
  }
}

/** The address that a profile of `temporal.toml` or the environment names; null where neither does. */
export function configuredAddress(
  variables: Readonly<Record<string, string | undefined>> = process.env,
): string | null {
  const given = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const { connectionOptions } = loadClientConnectConfig({
    overrideEnvVars: Object.fromEntries(given),
  });
  return connectionOptions.address ?? null;
}

/** Rejects where nobody listens at `host:port`, or there is no such host; gRPC would try on until its own deadline. */
async function knock(address: string): Promise<void> {
  const [, host = '', port = ''] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(address) ?? [];
  if (host === '') return; // of another form, such as a resolver's: gRPC knows it
  const socket = connect(Number(port), host);
  const patience = AbortSignal.timeout(KNOCK_MS);
  try {
    await once(socket, 'connect', { signal: patience });
  } catch (error) {
    if (!patience.aborted) throw error;
  } finally {
    socket.destroy();
  }
}
