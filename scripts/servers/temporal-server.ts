import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { z } from 'zod';
import { serverBinary } from './binaries.js';
import {
  retryTakenPorts,
  startServerProcess,
  untilReady,
  type Readiness,
} from './child-process.js';
import { freePort } from './free-ports.js';

const NAME = 'the Temporal server';

/** A search attribute's type, as the server's command line spells it. */
type SearchAttributeType =
  'Text' | 'Keyword' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList';

/** How to start a development server. */
export interface TemporalServerOptions {
  /** Holds the database file; made where missing. State survives a restart on the same directory. */
  readonly directory: string;
  /** Default: a free port of 127.0.0.1. */
  readonly port?: number;
  readonly uiPort?: number;
  readonly searchAttributes: Readonly<Record<string, SearchAttributeType>>;
  /** Default: the one that set-up installs. */
  readonly binary?: string;
  /** More of the server's dynamic configuration, as JSON by key. */
  readonly dynamicConfig?: Readonly<Record<string, string>>;
  /** Added to its environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A running development server with the namespace `default`. */
export interface TemporalServer extends AsyncDisposable {
  /** `host:port` for `TEMPORAL_ADDRESS`. */
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends the server; may be called again. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts a server with its web UI on 127.0.0.1; resolves when it answers with its search attributes.
 * It ends at the latest when this process ends.
 *
 * @throws `PortError` `SetUpMissing` where the binary is not installed; Error with the server's last
 *   lines where it does not come up
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  await mkdir(options.directory, { recursive: true });
  return retryTakenPorts(async () => {
    const port = options.port ?? (await freePort());
    const uiPort = options.uiPort ?? (await freePort());
    const uiUrl = `http://127.0.0.1:${uiPort}`;
    const server = await startServerProcess({
      name: NAME,
      binary: options.binary ?? serverBinary('temporal'),
      args: commandLine(options, port, uiPort),
      ...(options.environment && { env: options.environment }),
    });
    await untilReady(NAME, server, async () =>
      (await answers(port)) ? lookAtSearchAttributes(uiUrl, options) : 'not-yet',
    );
    return { ...server, address: `127.0.0.1:${port}`, uiUrl };
  });
}

function commandLine(options: TemporalServerOptions, port: number, uiPort: number): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1'],
    ...['--port', port.toString(), '--ui-port', uiPort.toString(), '--ui-disable-news-fetch'],
    ...['--db-filename', path.join(options.directory, 'temporal.db')],
    // As fast as in memory, and nothing acknowledged is lost when the process is killed.
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
    // By default one hop between activities waits up to 50 ms for this poller.
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=10000'],
    // What a worker's death inside a workflow task costs a run started from the UI; 10 s by default.
    ...['--dynamic-config-value', 'history.defaultWorkflowTaskTimeout="2s"'],
    // Room for clocks of several hosts that differ, which here are one: any shorter timer, such as a first retry, waits this long; 1 s by default.
    ...['--dynamic-config-value', 'history.timerProcessorMaxTimeShift="50ms"'],
    ...Object.entries(options.dynamicConfig ?? {}).flatMap(([key, json]) => [
      '--dynamic-config-value',
      `${key}=${json}`,
    ]),
    ...Object.entries(options.searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
  ];
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}

const searchAttributesAnswer = z.object({
  customAttributes: z.record(z.string(), z.string()).default({}),
});

/** Asked through the UI, so both ports, the namespace and the registration are proven at once. */
async function lookAtSearchAttributes(
  uiUrl: string,
  { searchAttributes, directory }: TemporalServerOptions,
): Promise<Readiness> {
  const url = `${uiUrl}/api/v1/namespaces/default/search-attributes`;
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  if (!response.ok) return 'not-yet';
  const { customAttributes } = searchAttributesAnswer.parse(await response.json());
  for (const [name, type] of Object.entries(searchAttributes)) {
    const found = customAttributes[name];
    if (found === undefined) return 'not-yet';
    // The server ignores another type for a name it has, without a word.
    if (found !== indexedValueType(type)) {
      return {
        hopeless: `${directory} has a search attribute ${name} of type ${found}, expected ${indexedValueType(type)}: delete that folder`,
      };
    }
  }
  return 'ready';
}

function indexedValueType(type: SearchAttributeType): string {
  return `INDEXED_VALUE_TYPE_${type.replace(/(?<=.)[A-Z]/g, '_$&').toUpperCase()}`;
}
