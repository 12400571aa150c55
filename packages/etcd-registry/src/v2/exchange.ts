import type * as http from 'node:http';
import type * as https from 'node:https';
import { text } from 'node:stream/consumers';
import { isSecure } from '../options.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly agent: http.Agent;
  /** Milliseconds of `performance.now`; none for a request that is answered when something happens. */
  readonly deadline?: number;
  /** Called when the answer begins. */
  readonly onHeaders?: (answer: Omit<HttpAnswer, 'body'>) => void;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Node's client for an endpoint, when it is needed: importing `node:http` loads all of `fetch` with it. */
export function importHttp(endpoint: URL): Promise<typeof http | typeof https> {
  return isSecure(endpoint) ? import('node:https') : import('node:http');
}

/** Sends one HTTP request and reads the whole answer. */
export async function exchange(
  endpoint: URL,
  { path, body, deadline, signal, onHeaders, ...options }: HttpRequest,
): Promise<HttpAnswer> {
  const { request: open } = await importHttp(endpoint);
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const request = open(new URL(path, endpoint), options, (response) => {
    const { statusCode: status = 0, headers } = response;
    onHeaders?.({ status, headers });
    text(response).then((body) => {
      if (response.complete) resolve({ status, headers, body });
      else reject(new Error('the connection broke'));
    }, reject);
  });
  request.on('error', reject);
  const giveUp = (reason: Error) => {
    reject(reason);
    request.destroy();
  };
  const abort = () => giveUp(signal.reason as Error);
  const late = () => giveUp(new Error('no answer in time'));
  const timer = deadline === undefined ? undefined : setTimeout(late, deadline - performance.now());
  signal.addEventListener('abort', abort, { once: true });
  request.end(body);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  });
}
