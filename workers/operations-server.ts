import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { collectDefaultMetrics, Registry } from 'prom-client';

/** A worker's HTTP server for machines that look after it. */
export interface OperationsServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface OperationsGiven {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Where the SDK's exporter answers. */
  readonly metricsUrl: string;
  /** Null where the worker can work, else a sentence. */
  readonly notReady: () => Promise<string | null>;
  /** Of the workers' code; null: none. */
  readonly build: string | null;
}

/** Serves `/metrics` (the SDK's, ours, and those of the process), `/health/live` and `/health/ready`. */
export async function startOperationsServer(given: OperationsGiven): Promise<OperationsServer> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const server = createServer((request, response) => {
    answer(given, registry, request)
      .catch((error: unknown) => ({ status: 500, type: PLAIN, body: String(error) }))
      .then((answered) => send(response, answered))
      .catch(() => response.destroy());
  });
  server.listen(given.port, given.host);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : given.port;
  return {
    url: `http://${given.host}:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const PLAIN = 'text/plain; charset=utf-8';
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer(
  given: OperationsGiven,
  registry: Registry,
  { method, url }: IncomingMessage,
): Promise<Answer> {
  const path = method === 'GET' ? url?.split('?')[0] : undefined;
  const whose = given.build === null ? '' : `, build ${given.build}`;
  switch (path) {
    case '/metrics': {
      const core = await fetch(given.metricsUrl);
      return {
        status: 200,
        type: PROMETHEUS,
        body: `${await core.text()}${await registry.metrics()}`,
      };
    }
    case '/health/live':
      return { status: 200, type: PLAIN, body: `live${whose}\n` };
    case '/health/ready': {
      const problem = await given.notReady();
      return problem === null
        ? { status: 200, type: PLAIN, body: `ready${whose}\n` }
        : { status: 503, type: PLAIN, body: `${problem}\n` };
    }
    default:
      return {
        status: 404,
        type: PLAIN,
        body: 'there are /metrics, /health/live and /health/ready\n',
      };
  }
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
