import { join } from 'node:path';
import type { Namespace } from '@flannel-ts/lab';

/** Without site packages it starts faster. */
const SCRIPT = ['python3', '-I', '-S', join(import.meta.dirname, 'datagrams.py')];

/** What arrived on a port of a host. */
export interface Listener extends AsyncDisposable {
  /**
   * Sends a datagram from `marker`, which arrives, and returns what arrived before it since the last time, as
   * `FROM PORT TEXT`.
   */
  until(marker: Namespace): Promise<string[]>;
}

let markers = 0;

/** Prints every UDP datagram that arrives on a port of a host. @param address - the host's, for markers */
export async function listen(
  { namespace, address }: { readonly namespace: Namespace; readonly address: string },
  port: number,
): Promise<Listener> {
  const program = namespace.start([...SCRIPT, 'listen', `${port}`]);
  await program.line(/^listening$/);
  let seen = 1;
  return {
    async until(marker) {
      const text = `marker-${++markers}`;
      await send(marker, { to: address, port, text });
      await program.line(new RegExp(` ${text}$`));
      const lines = program.lines.slice(seen);
      seen = program.lines.length;
      return lines.filter((line) => !line.includes(' marker-'));
    },
    async [Symbol.asyncDispose]() {
      await program.stop();
    },
  };
}

export interface Datagram {
  readonly to: string;
  readonly port: number;
  /** `VNI/TEXT` is a text behind a header of VXLAN. */
  readonly text: string;
  /** @default any */
  readonly fromPort?: number;
  /** As many bytes at least. @default those of the text */
  readonly size?: number;
}

export async function send(
  place: Namespace,
  { to, port, text, fromPort = 0, size = 0 }: Datagram,
): Promise<void> {
  await place.run(...SCRIPT, 'send', to, `${port}`, `${fromPort}`, `${size}`, text);
}

/** Sends a datagram in the name of another IPv4 host, from `port` to `port`. */
export async function forge(
  place: Namespace,
  source: string,
  { to, port, text }: Pick<Datagram, 'to' | 'port' | 'text'>,
): Promise<void> {
  await place.run(...SCRIPT, 'forge', source, to, `${port}`, text);
}
