import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { MessageReader, type Head } from './http-heads.js';

/** From the client to the store, or back. */
export type Side = 'request' | 'answer';

/**
 * What is done to an exchange (one request and its answer). `at` says where in a message, 0 to 1, counted over its head and body;
 * for `flip` over its body, or over its head where it has none.
 */
export type Fault =
  /** The request is swallowed, and nothing is ever answered. */
  | { readonly kind: 'blackhole' }
  /** Every piece waits so long, both ways. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection breaks (RST), both ways. */
  | { readonly kind: 'reset'; readonly side: Side; readonly at: number }
  /** The connection ends in good order (FIN), too early. */
  | { readonly kind: 'truncate'; readonly side: Side; readonly at: number }
  /** One bit of one byte is turned. */
  | { readonly kind: 'flip'; readonly side: Side; readonly at: number }
  /** The store is not asked; the proxy answers in its place. */
  | { readonly kind: 'answer'; readonly status: 409 | 500 | 503 };

/** Which exchanges a fault strikes; every one where nothing is said. */
export interface Struck {
  readonly on?: (request: Head) => boolean;
  /** How many at most. */
  readonly times?: number;
}

/** Stands before a server on 127.0.0.1 and spoils what passes. It changes no byte unless told to, `Host` included, so that signatures hold. */
export interface TcpProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port`, the same as long as it lives. */
  readonly url: string;
  /** Exchanges that the current fault has struck. */
  readonly struck: number;
  /** From now on everything passes; connections that were spoiled are closed. */
  pass(): Promise<void>;
  /** Nobody listens: new connections are refused, open ones break. */
  refuse(): Promise<void>;
  /** Requests that begin from now on are struck. */
  spoil(fault: Fault, which?: Struck): Promise<void>;
  /** Where the server is now; open connections break. */
  retarget(port: number): void;
}

/** Starts a proxy before a port of 127.0.0.1; it passes everything until told otherwise. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new Proxy_(targetPort);
  await proxy.listen();
  return proxy;
}

class Proxy_ implements TcpProxy {
  #target: number;
  #port = 0;
  #server: Server | null = null;
  #fault: Fault | null = null;
  #which: Struck = {};
  struck = 0;
  readonly #open = new Set<Connection>();

  constructor(target: number) {
    this.#target = target;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer((client) => {
      const connection = new Connection(client, this.#target, (head) => this.#faultFor(head));
      this.#open.add(connection);
      client.once('close', () => this.#open.delete(connection));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    this.#port = address.port;
    this.#server = server;
  }

  async pass(): Promise<void> {
    this.#begin(null, {});
    for (const connection of this.#open) if (connection.isSpoiled) connection.reset();
    await this.listen();
  }

  async refuse(): Promise<void> {
    this.#begin(null, {});
    await this.#close();
  }

  async spoil(fault: Fault, which: Struck = {}): Promise<void> {
    this.#begin(fault, which);
    await this.listen();
  }

  retarget(port: number): void {
    this.#target = port;
    for (const connection of this.#open) connection.reset();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  #begin(fault: Fault | null, which: Struck): void {
    this.#fault = fault;
    this.#which = which;
    this.struck = 0;
  }

  #faultFor(head: Head): Fault | null {
    const { on, times } = this.#which;
    if (this.#fault === null || on?.(head) === false) return null;
    if (times !== undefined && this.struck >= times) return null;
    this.struck += 1;
    return this.#fault;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const connection of this.#open) connection.reset();
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }
}

/** One connection of a client, and its own to the server. */
class Connection {
  isSpoiled = false;
  readonly #client: Socket;
  readonly #server: Socket;
  #fault: Fault | null = null;
  readonly #requests = new MessageReader();
  #answers = new MessageReader();
  readonly #toServer: Pieces;
  readonly #toClient: Pieces;

  constructor(client: Socket, target: number, faultFor: (head: Head) => Fault | null) {
    this.#client = client;
    this.#server = connect(target, '127.0.0.1');
    this.#toServer = new Pieces(this.#server);
    this.#toClient = new Pieces(client);
    client.on('data', (bytes: Buffer) => {
      for (const piece of this.#requests.read(bytes)) {
        if (piece.head !== null) {
          this.#fault = faultFor(piece.head);
          this.#answers = new MessageReader();
          this.isSpoiled ||= this.#fault !== null;
        }
        this.#request(piece.bytes, piece);
      }
    });
    this.#server.on('data', (bytes: Buffer) => {
      for (const piece of this.#answers.read(bytes)) this.#pass('answer', piece.bytes, piece);
    });
    for (const [one, other] of [
      [client, this.#server],
      [this.#server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.on('end', () => other.end());
    }
  }

  /** Breaks it both ways. */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  #request(bytes: Buffer, piece: Piece): void {
    if (this.#fault?.kind === 'blackhole') return;
    if (this.#fault?.kind !== 'answer') this.#pass('request', bytes, piece);
    else if (piece.isLast) this.#client.end(answerOf(this.#fault.status));
  }

  #pass(side: Side, bytes: Buffer, piece: Piece): void {
    const [from, pieces] =
      side === 'request' ? [this.#client, this.#toServer] : [this.#server, this.#toClient];
    const fault = this.#fault;
    if (fault === null || !('side' in fault) || fault.side !== side) {
      pieces.send(bytes, fault?.kind === 'delay' ? fault.ms : 0);
      return;
    }
    const strikeAt = strikeIn(fault, piece);
    if (strikeAt < piece.from || strikeAt >= piece.from + bytes.length) {
      pieces.send(bytes, 0);
      return;
    }
    const within = strikeAt - piece.from;
    if (fault.kind === 'flip') {
      const turned = Buffer.from(bytes);
      turned[within] = (turned[within] ?? 0) ^ 1;
      pieces.send(turned, 0);
      return;
    }
    from.pause();
    pieces.send(bytes.subarray(0, within), 0);
    if (fault.kind === 'truncate') pieces.end();
    else pieces.flush(() => this.reset());
  }
}

type Piece = ReturnType<MessageReader['read']>[number];

/** The byte of a message that is struck: over its whole length, or over the body's for a flip. */
function strikeIn(fault: { kind: string; at: number }, { headBytes, bodyBytes }: Piece): number {
  if (fault.kind !== 'flip') return Math.floor(fault.at * (headBytes + bodyBytes));
  if (bodyBytes > 0) return headBytes + Math.floor(fault.at * bodyBytes);
  return Math.floor(fault.at * headBytes);
}

/** Writes pieces in their order, each after its delay. */
class Pieces {
  readonly #socket: Socket;
  #last: Promise<unknown> | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(bytes: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#last === null) {
      this.#write(bytes);
      return;
    }
    this.#last = (this.#last ?? Promise.resolve())
      .then(() => pause(delayMs))
      .then(() => this.#write(bytes));
  }

  end(): void {
    this.#socket.end();
  }

  /** Calls back once the system has taken all that was written. */
  flush(then: () => void): void {
    if (this.#socket.destroyed) then();
    else this.#socket.write('', () => setImmediate(then));
  }

  #write(bytes: Buffer): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(bytes);
  }
}

const CODES = { 409: 'ConditionalRequestConflict', 500: 'InternalError', 503: 'SlowDown' } as const;

function answerOf(status: keyof typeof CODES): string {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${CODES[status]}</Code><Message>the proxy says so</Message></Error>`;
  return [
    `HTTP/1.1 ${status} Spoiled`,
    'Content-Type: application/xml',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
