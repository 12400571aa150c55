import { once } from 'node:events';
import type { Condition } from './conditions.ts';

/**
 * Serves `/healthz` (200 while the process lives) and `/readyz` (200 once `ready` returns true and no
 * condition is failing, else 503). The body of `/readyz` has a line for each condition.
 */
export async function serveHealth(options: {
  readonly host: string;
  /** TCP port; 0 lets the kernel choose. */
  readonly port: number;
  readonly ready: () => boolean;
  readonly conditions: () => readonly Condition[];
}): Promise<AsyncDisposable & { readonly port: number }> {
  // Only here: importing it loads all of `fetch` with it.
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const { status, body } = answer(request.url, options);
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
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

function answer(
  url: string | undefined,
  { ready, conditions }: { ready: () => boolean; conditions: () => readonly Condition[] },
): { readonly status: number; readonly body: string } {
  if (url === '/healthz') return { status: 200, body: 'ok\n' };
  if (url !== '/readyz') return { status: 404, body: 'not found\n' };
  const all = conditions();
  const failing = all.some(({ state }) => state === 'failing');
  const summary = !ready() ? 'starting' : failing ? 'failing' : 'ok';
  return { status: summary === 'ok' ? 200 : 503, body: [summary, ...all.map(toLine), ''].join('\n') };
}

function toLine({ part, state, since, reason }: Condition): string {
  const line = `${part} ${state} since ${since.toISOString()}`;
  return reason === '' ? line : `${line}: ${reason}`;
}
