import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { repeat } from '../../../serving/repeat.js';

const LOOK_EVERY_MS = 200;
const LOOK_PATIENCE_MS = 1_000;
const HOST = '127.0.0.1';

interface Backend {
  readonly url: string;
  isReady: boolean;
}

/**
 * One address before several endpoints, as a balancer of connections is (a Kubernetes service, nginx's stream): the next connection goes
 * to the next endpoint that `/v2/health/ready` finds ready; one that refuses a connection is left out until it is found ready again.
 */
export class Balancer implements AsyncDisposable {
  readonly #server: Server;
  readonly #backends = new Map<string, Backend>();
  readonly #open = new Set<Socket>();
  readonly #looking = repeat(LOOK_EVERY_MS, () => this.#look());
  #turn = 0;

  private constructor() {
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  static async open(): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.#server.listen(0, HOST);
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get url(): string {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return `http://${HOST}:${address.port}`;
  }

  /** Sends to this endpoint too, once it is found ready. */
  add(url: string): void {
    this.#backends.set(url, { url, isReady: false });
  }

  /** Sends nothing more to it. */
  remove(url: string): void {
    this.#backends.delete(url);
  }

  /** Where the next connection may go now. */
  get ready(): readonly string[] {
    return this.#inTurn().map(({ url }) => url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looking.stop();
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await once(this.#server, 'close');
  }

  #inTurn(): readonly Backend[] {
    return [...this.#backends.values()].filter(({ isReady }) => isReady);
  }

  async #look(): Promise<void> {
    await Promise.all(
      [...this.#backends.values()].map(async (backend) => {
        backend.isReady = await isReady(backend.url);
      }),
    );
  }

  #accept(client: Socket): void {
    this.#open.add(client);
    client.once('close', () => this.#open.delete(client));
    client.on('error', () => client.destroy());
    this.#forward(client);
  }

  #forward(client: Socket): void {
    const ready = this.#inTurn();
    const backend = ready[this.#turn++ % ready.length];
    if (backend === undefined) {
      client.destroy();
      return;
    }
    const server = connect({ host: HOST, port: Number(new URL(backend.url).port), noDelay: true });
    const refused = () => {
      backend.isReady = false;
      this.#forward(client);
    };
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused);
      server.on('error', () => server.destroy());
      server.once('close', () => client.destroy());
      client.once('close', () => server.destroy());
      client.pipe(server).pipe(client);
    });
  }
}

/** Whether an endpoint says that it is ready. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(LOOK_PATIENCE_MS);
    const answer = await fetch(`${url}/v2/health/ready`, { signal });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
