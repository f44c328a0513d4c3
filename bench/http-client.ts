// A closed-loop HTTP/1.1 client on one connection: it sends, waits for the whole answer, and sends again. Written for
// measuring: one write and one parse of a head per request, so that the client costs as little as it can.
import { connect, type Socket } from 'node:net';

export interface Answer {
  status: number;
  body: string;
  /** Milliseconds from sending to the last byte. */
  ms: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

export class HttpClient {
  readonly #socket: Socket;
  readonly #host: string;
  #received: Buffer = Buffer.alloc(0);
  #waiting: { sentMs: number; resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;

  constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  static connect(url: string): Promise<HttpClient> {
    const { hostname, port, host } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => resolve(new HttpClient(socket, host)));
      socket.once('error', reject);
    });
  }

  /** The server ends connections that were idle for a while. */
  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  post(path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const extra = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    const head = `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${extra}\r\n`;
    return new Promise((resolve, reject) => {
      this.#waiting = { sentMs: performance.now(), resolve, reject };
      this.#socket.write(head + body);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (length === undefined) return this.#fail(new Error(`an answer without content-length: ${head}`));
    const end = headEnd + HEAD_END.length + Number(length);
    if (this.#received.length < end) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    const body = this.#received.toString('utf8', headEnd + HEAD_END.length, end);
    this.#received = this.#received.subarray(end);
    waiting?.resolve({ status: Number(head.slice(9, 12)), body, ms: performance.now() - waiting.sentMs });
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }
}

/** Runs `request` again and again on every client until `signal` is aborted. */
export async function closedLoop(
  clients: readonly HttpClient[],
  signal: AbortSignal,
  request: (client: HttpClient) => Promise<void>,
): Promise<void> {
  await Promise.all(
    clients.map(async (client) => {
      while (!signal.aborted) await request(client);
    }),
  );
}
