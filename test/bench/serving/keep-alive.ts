import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { InferBody } from './infer-body.js';

/** What came back. */
export interface Answer {
  readonly status: number;
  /** From the first byte sent to the last one read. */
  readonly ms: number;
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';

/**
 * One connection that asks one request at a time and is kept: Node's own client costs as much as the endpoint's whole answer, and
 * shares its two cores. It reads answers that tell their length.
 */
export class KeepAlive implements Disposable {
  readonly #socket: Socket;
  readonly #host: string;
  #pieces: Buffer[] = [];
  #received = 0;
  /** Bytes of the whole answer, as soon as its head tells them. */
  #expected = 0;
  #settle: {
    resolve: (answer: Omit<Answer, 'ms'>) => void;
    reject: (error: Error) => void;
  } | null = null;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** Connects to the server of a URL. */
  static async open(url: string): Promise<KeepAlive> {
    const { hostname, port, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new KeepAlive(socket, host);
  }

  /** False once the connection is gone. */
  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  async post(url: string, { bytes, headers }: InferBody): Promise<Answer> {
    if (!this.isOpen) throw new Error('the connection was closed');
    const head = [
      `POST ${new URL(url).pathname} HTTP/1.1`,
      `host: ${this.#host}`,
      `content-length: ${bytes.byteLength}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    const startedMs = performance.now();
    const answer = new Promise<Omit<Answer, 'ms'>>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#socket.write(Buffer.concat([Buffer.from(head.join('\r\n') + HEAD_END), bytes]));
    const { status, body } = await answer;
    return { status, body, ms: performance.now() - startedMs };
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  /** The pieces of a long answer are put together once, when the last one is there. */
  #receive(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#received += chunk.byteLength;
    if (this.#received < this.#expected) return;
    const received = Buffer.concat(this.#pieces);
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) {
      this.#fail(new Error('an answer does not tell its length'));
      return;
    }
    const from = headEnd + HEAD_END.length;
    this.#expected = from + length;
    if (received.byteLength < this.#expected) return;
    [this.#pieces, this.#received, this.#expected] = [[], 0, 0];
    const settle = this.#settle;
    this.#settle = null;
    settle?.resolve({
      status: Number(head.slice(9, 12)),
      body: received.subarray(from, from + length),
    });
  }

  #fail(error: Error): void {
    const settle = this.#settle;
    this.#settle = null;
    settle?.reject(error);
  }
}

/** Asks once, and fails where the answer is no 200. */
export async function postOk(connection: KeepAlive, url: string, body: InferBody): Promise<Answer> {
  const answer = await connection.post(url, body);
  if (answer.status === 200) return answer;
  const said = answer.body.toString('utf8').slice(0, 300);
  throw new Error(`${url} answered ${answer.status}: ${said}`);
}
