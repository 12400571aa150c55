import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Claims the network of a subnet file on this host, for as long as this process lives or until disposed.
 * The claim is an abstract Unix socket: like the devices and routes it belongs to the network namespace, and
 * the kernel drops it with the process, however that ends.
 * @returns `undefined` when another process holds it
 */
export async function claimNetwork(subnetFile: string): Promise<AsyncDisposable | undefined> {
  const server = createServer((socket) => socket.destroy()).unref();
  try {
    server.listen(await socketName(subnetFile));
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** A digest, as a socket's name has at most 107 bytes. */
async function socketName(subnetFile: string): Promise<string> {
  const digest = createHash('sha256').update(await canonicalPath(subnetFile));
  return `\0flanneld-${digest.digest('hex').slice(0, 32)}`;
}

/** One name for a file that may not exist yet, and may be reached through links, as /var/run is. */
export async function canonicalPath(path: string): Promise<string> {
  const absolute = resolve(path);
  const directory = await realpath(dirname(absolute)).catch(() => dirname(absolute));
  return join(directory, basename(absolute));
}
