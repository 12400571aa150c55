import type { SocketError } from './errors.ts';
import type { Datagram } from './socket.ts';

interface Reader {
  readonly resolve: (datagram: Datagram | undefined) => void;
  readonly reject: (error: SocketError) => void;
}

/** Datagrams on their way to readers: a ring of at most `limit`, where the newest gives way, as in the kernel's buffer. */
export class ReceiveQueue {
  readonly #limit: number;
  readonly #ring: (Datagram | undefined)[] = [];
  #first = 0;
  #queued = 0;
  #received = 0;
  #delivered = 0;
  #dropped = 0;
  readonly #readers: Reader[] = [];
  #error: SocketError | undefined;
  #ended = false;

  /** @param limit - how many datagrams may wait */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `received` is always the sum of the others. */
  get counts() {
    const [received, delivered, dropped, queued] = [
      this.#received,
      this.#delivered,
      this.#dropped,
      this.#queued,
    ];
    return { received, delivered, dropped, queued };
  }

  push(datagram: Datagram): void {
    this.#received++;
    const reader = this.#readers.shift();
    if (reader) {
      this.#delivered++;
      reader.resolve(datagram);
    } else if (this.#queued < this.#limit) {
      this.#ring[(this.#first + this.#queued++) % this.#limit] = datagram;
    } else this.#dropped++;
  }

  /** Hands an error to one waiting reader, or keeps it for {@link ReceiveQueue.takeError}; the last one counts. */
  fail(error: SocketError): void {
    const reader = this.#readers.shift();
    if (reader) reader.reject(error);
    else this.#error = error;
  }

  takeError(): SocketError | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** Ends every reading at once; what was queued is dropped. */
  end(): void {
    this.#ended = true;
    this.#error = undefined;
    this.#dropped += this.#queued;
    this.#queued = 0;
    this.#ring.length = 0;
    for (const reader of this.#readers.splice(0)) reader.resolve(undefined);
  }

  /** Yields datagrams until {@link ReceiveQueue.end}. Each goes to one reader, in the order in which they asked. */
  async *read(): AsyncGenerator<Datagram, void, undefined> {
    for (;;) {
      const datagram = this.#shift() ?? (await this.#wait());
      if (!datagram) return;
      yield datagram;
    }
  }

  #shift(): Datagram | undefined {
    const error = this.takeError();
    if (error) throw error;
    if (this.#queued === 0) return undefined;
    const datagram = this.#ring[this.#first];
    this.#ring[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#limit;
    this.#queued--;
    this.#delivered++;
    return datagram;
  }

  #wait(): Promise<Datagram | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }
}
