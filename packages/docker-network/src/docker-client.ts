import type { Agent, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { DockerRefusedError, DockerUnavailableError, DockerUnusableError } from './errors.ts';
import { currentRun } from './socket-watch.ts';

/** One call of Docker's HTTP API. */
export interface Call {
  /** What the call is for, as in "Docker refused to …". */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query, with the API's version: `/v1.41/networks`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
}

/**
 * Docker's HTTP API at a Unix socket. All calls go over one connection, one at a time; a stream has its own.
 * When a Docker of this host has ended that connection, the client makes no other: where systemd holds the
 * socket, it would start a Docker that an operator has just stopped.
 */
export interface DockerClient extends Disposable {
  /**
   * Returns the JSON of the answer, `undefined` for an empty one.
   * @throws {DockerUnavailableError} {DockerUnusableError} {DockerRefusedError}
   */
  call(call: Call): Promise<unknown>;
  /** Yields the JSON values of an answer that does not end by itself. @throws as {@link DockerClient.call} */
  stream(call: Call): Promise<AsyncIterable<unknown>>;
}

/** Milliseconds for a whole call; a Docker that starts accepts connections before it answers. */
const ANSWER_MS = 30_000;

/** Creates a client whose calls end with the signal's reason when it aborts. */
export function createDockerClient(socketPath: string, stop: AbortSignal): DockerClient {
  const disposed = new AbortController();
  let agent: Agent | undefined;
  /** That of the calls. */
  let connection: Socket | undefined;
  /** Whether a Docker of this host answered, and not a proxy, which ends an idle connection without meaning. */
  let local = false;

  async function send(call: Call, signal: AbortSignal, { alone = false } = {}): Promise<IncomingMessage> {
    // Only here: loading it costs a program that never needs Docker a tenth of its start.
    const { Agent, request } = await import('node:http');
    agent ??= new Agent({ keepAlive: true, maxSockets: 1 });
    const ended = connection && (connection.destroyed || !connection.writable);
    if (!alone && local && ended) throw notRunning(socketPath);
    const body = call.body && JSON.stringify(call.body);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request({
      socketPath,
      method: call.method,
      path: call.path,
      headers: body ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) } : {},
      agent: alone ? false : agent,
      signal,
    })
      .on('socket', (socket) => {
        if (!alone) connection = socket;
      })
      .on('response', resolve)
      .on('error', reject)
      .end(body);
    const response = await promise;
    local ||= currentRun(socketPath) !== undefined;
    const status = response.statusCode ?? 0;
    if (status >= 300) throw new DockerRefusedError(call.what, status, messageOf(await text(response)));
    return response;
  }

  /** Carries out a call and turns what went wrong into an error of this package. */
  async function attempt<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), ANSWER_MS);
    try {
      return await task(AbortSignal.any([stop, disposed.signal, limit.signal]));
    } catch (error) {
      stop.throwIfAborted();
      if (limit.signal.aborted)
        throw unavailable(`does not answer within ${ANSWER_MS / 1000} s`, socketPath, error);
      throw explain(error, socketPath);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    call: (call) => attempt(async (signal) => parse(await text(await send(call, signal)), socketPath)),
    // Only the head of the answer is waited for; from then on, the stream ends with `stop` and the client.
    stream: async (call) =>
      values(await attempt((signal) => send(call, signal, { alone: true })), socketPath),
    [Symbol.dispose]() {
      disposed.abort();
      agent?.destroy();
    },
  };
}

/** One JSON value on each line. The stream ends when Docker does, or with the client's signal. */
async function* values(response: IncomingMessage, socketPath: string): AsyncIterable<unknown> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') yield parse(line, socketPath);
  }
}

function parse(json: string, socketPath: string): unknown {
  if (json.trim() === '') return undefined;
  try {
    return JSON.parse(json);
  } catch (error) {
    throw notDocker(socketPath, error);
  }
}

/** Docker's refusals are `{"message":"…"}`. */
function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // Another program's page.
  }
  return body.trim().split('\n')[0]!.slice(0, 200) || 'no reason given';
}

/** The error that says what to do; `cause` is Node's. */
function explain(error: unknown, socketPath: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'EPIPE':
      return notRunning(socketPath, error);
    case 'EACCES':
    case 'EPERM':
      return new DockerUnusableError(
        'no-permission',
        `${socketPath} must be writable for this user; run as root or as a member of the group docker`,
        { cause: error },
      );
    default:
      if (code.startsWith('HPE_') || code === 'ENOTSOCK' || code === 'EPROTOTYPE')
        return notDocker(socketPath, error);
      return code === '' ? error : unavailable(`cannot be reached (${code})`, socketPath, error);
  }
}

export function notDocker(socketPath: string, cause?: unknown): DockerUnusableError {
  return new DockerUnusableError(
    'not-docker',
    `${socketPath} must be Docker’s API, but what answers there is not; name Docker’s socket`,
    { cause },
  );
}

export function notRunning(socketPath: string, cause?: unknown): DockerUnavailableError {
  return unavailable('is not running', socketPath, cause);
}

function unavailable(how: string, socketPath: string, cause: unknown): DockerUnavailableError {
  return new DockerUnavailableError(`Docker ${how} at ${socketPath}`, { cause });
}
