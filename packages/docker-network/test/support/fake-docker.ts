import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a fake engine answers, by method and path without version and query: `POST /networks/create`. */
export type Answers = Readonly<Record<string, Answer>>;

interface Answer {
  /** 0 ends the connection without an answer, and `hang` never answers. */
  readonly status?: number | 'hang';
  /** Sent as it is when it is a text, else as JSON. */
  readonly body: unknown;
}

/** A program that speaks as much of Docker's API as a test gives it. */
export interface FakeDocker extends AsyncDisposable {
  readonly directory: string;
  readonly socketPath: string;
  /** What it was asked: `GET /v1.41/networks`. */
  readonly calls: readonly string[];
  /** Number of connections so far. */
  readonly connections: () => number;
  /** Number of streams of events that are open. */
  readonly streams: () => number;
  /** Reports an event on every stream. */
  report(event: object): void;
  /** Ends the connections that are open, as an engine does when it ends; the socket stays. */
  hangUp(): void;
  /** Ends the connections that wait for a call, as a proxy does after a while. */
  hangUpIdle(): void;
}

export const ENGINE: Answers = {
  'GET /version': { body: { Version: '28.5.2', ApiVersion: '1.51', MinAPIVersion: '1.24' } },
  'GET /networks': { body: [] },
  'GET /containers/json': { body: [] },
  'POST /networks/create': { status: 201, body: { Id: 'a1' } },
};

export async function startFakeDocker(answers: Answers): Promise<FakeDocker> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'fake-docker-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const socketPath = join(directory, 'docker.sock');
  const calls: string[] = [];
  const streams = new Set<ServerResponse>();
  let connections = 0;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://docker');
    const call = `${request.method!} ${pathname.replace(/^\/v[\d.]+/, '')}`;
    calls.push(`${request.method!} ${pathname}`);
    if (call === 'GET /events') {
      streams.add(response.on('close', () => streams.delete(response)));
      response.flushHeaders();
    } else answer(response, call, answers);
  });
  server.on('connection', () => connections++);
  server.listen(socketPath);
  await once(server, 'listening');
  stack.defer(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const all = stack.move();
  return {
    directory,
    socketPath,
    calls,
    connections: () => connections,
    streams: () => streams.size,
    report: (event) => streams.forEach((stream) => stream.write(`${JSON.stringify(event)}\n`)),
    hangUp: () => server.closeAllConnections(),
    hangUpIdle: () => server.closeIdleConnections(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function answer(response: ServerResponse, call: string, answers: Answers): void {
  const { status = 200, body } = answers[call] ?? { status: 404, body: { message: 'page not found' } };
  if (status === 'hang') return;
  if (status === 0) {
    response.destroy();
    return;
  }
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
}
