import { once } from 'node:events';

/** Serves `/healthz` (200 while the process lives) and `/readyz` (503 until `ready` says otherwise). */
export async function serveHealth(options: {
  readonly host: string;
  /** TCP port; 0 lets the kernel choose. */
  readonly port: number;
  readonly ready: () => boolean;
}): Promise<AsyncDisposable & { readonly port: number }> {
  // Only here: importing it loads all of `fetch` with it.
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const status = { '/healthz': 200, '/readyz': options.ready() ? 200 : 503 }[request.url ?? ''] ?? 404;
    response.writeHead(status, { 'content-type': 'text/plain' }).end(STATUS_TEXT[status]);
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const STATUS_TEXT: Readonly<Record<number, string>> = { 200: 'ok\n', 404: 'not found\n', 503: 'starting\n' };
