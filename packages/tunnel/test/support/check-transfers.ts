import type { Container, RunningProcess } from '@flannel-ts/lab';
import { fileURLToPath } from 'node:url';

const program = [process.execPath, fileURLToPath(new URL('transfer.ts', import.meta.url))];

/** Starts to echo TCP and UDP in a container. */
export async function serveTransfers(container: Container): Promise<RunningProcess> {
  const server = container.start([...program, 'serve']);
  await server.line(/serving/);
  return server;
}

/** Sends random data to an echo server over TCP and UDP. @throws when other bytes came back. */
export async function checkTransfers(
  from: Container,
  address: string,
  options: { readonly seed: number; readonly bytes: number; readonly datagrams?: boolean },
): Promise<void> {
  const { seed, bytes, datagrams = true } = options;
  await from.run(...program, 'check', address, `${seed}`, `${bytes}`, `${datagrams}`);
}
