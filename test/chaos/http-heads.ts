const END = Buffer.from('\r\n\r\n');

/** The first line of a request or an answer, in its parts, and its headers by lower-case name. */
export interface Head {
  /** Of a request: `PUT`. Of an answer: `HTTP/1.1`. */
  readonly first: string;
  /** Of a request: path and query. Of an answer: its status. */
  readonly second: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** Bytes of one message. */
interface Piece {
  readonly bytes: Buffer;
  /** Set on the message's first piece, which holds the head as a whole. */
  readonly head: Head | null;
  /** Where in the message these bytes begin. */
  readonly from: number;
  readonly headBytes: number;
  /** What its `Content-Length` says; of one without length, what came together with the head. */
  readonly bodyBytes: number;
  readonly isLast: boolean;
}

interface Message {
  readonly headBytes: number;
  readonly bodyBytes: number;
  /** How much of it was read. */
  at: number;
  /** No length was given: it ends where the next request begins. */
  readonly isOpen: boolean;
}

/** Cuts a stream of HTTP/1.1 into the pieces of its messages, and keeps every byte. An interim answer (1xx) passes as a message of its own. */
export class MessageReader {
  #held: Buffer = Buffer.alloc(0);
  #message: Message | null = null;

  read(bytes: Buffer): readonly Piece[] {
    const pieces: Piece[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#message === null) {
        this.#held = Buffer.concat([this.#held, rest]);
        const end = this.#held.indexOf(END);
        if (end === -1) return pieces;
        rest = this.#held;
        this.#held = Buffer.alloc(0);
        pieces.push(this.#begin(rest, end + END.length));
      } else {
        pieces.push(this.#piece(rest.subarray(0, left(this.#message)), null));
      }
      rest = rest.subarray(pieces.at(-1)?.bytes.length ?? rest.length);
    }
    return pieces;
  }

  #begin(bytes: Buffer, headBytes: number): Piece {
    const head = parseHead(bytes.subarray(0, headBytes).toString('latin1'));
    const stated = head.headers.get('content-length');
    const isOpen = stated === undefined && hasOpenEnd(head);
    const bodyBytes = isOpen ? bytes.length - headBytes : Number(stated ?? 0);
    this.#message = { headBytes, bodyBytes, at: 0, isOpen };
    return this.#piece(bytes.subarray(0, left(this.#message)), head);
  }

  #piece(bytes: Buffer, head: Head | null): Piece {
    const message = this.#message ?? { headBytes: 0, bodyBytes: 0, at: 0, isOpen: true };
    const { headBytes, bodyBytes, at: from } = message;
    message.at += bytes.length;
    const isLast = left(message) === 0;
    if (isLast) this.#message = null;
    return { bytes, head, from, headBytes, bodyBytes, isLast };
  }
}

function left({ headBytes, bodyBytes, at, isOpen }: Message): number {
  return isOpen ? Number.POSITIVE_INFINITY : headBytes + bodyBytes - at;
}

/** Whether the length of a message without `Content-Length` is not known: one in chunks, or an answer that ends with its connection. */
function hasOpenEnd({ first, second, headers }: Head): boolean {
  const isAnswer = first.startsWith('HTTP/') && !/^(1..|204|304)$/.test(second);
  return isAnswer || headers.has('transfer-encoding');
}

function parseHead(text: string): Head {
  const [line = '', ...lines] = text.trimEnd().split('\r\n');
  const [first = '', second = ''] = line.split(' ');
  const headers = new Map(
    lines.map((each) => {
      const colon = each.indexOf(':');
      return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()];
    }),
  );
  return { first, second, headers };
}
