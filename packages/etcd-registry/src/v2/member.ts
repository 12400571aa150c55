import { readFile } from 'node:fs/promises';
import type { Agent, AgentOptions } from 'node:http';
import { isSecure, type Access, type TlsFiles } from '../options.ts';
import { parseAnswer, parseObject, type Answer } from './answer.ts';
import { exchange, importHttp, type HttpAnswer } from './exchange.ts';

/** A request of `/v2/keys`: GET without a form, PUT with one. */
export interface KeyRequest {
  readonly key: string;
  readonly method?: 'DELETE';
  readonly query: Readonly<Record<string, string | number | true>>;
  readonly form?: Readonly<Record<string, string | number>>;
}

/** Keep-alive connections to one member of the cluster. */
export interface Member extends Disposable {
  readonly endpoint: URL;
  /** `deadline` in milliseconds since the epoch. */
  request(request: KeyRequest, deadline: number): Promise<Answer>;
  /** The next change of a key or of those below it, however long it takes; `undefined` when etcd ends the wait. */
  wait(request: KeyRequest, signal: AbortSignal): Promise<Answer | undefined>;
  /** Fails unless the member answers by `deadline` and knows its leader: without one it sees no changes. */
  probe(deadline: number): Promise<void>;
  /** The version that all members of the cluster have at least, such as `2.3.0`. */
  clusterVersion(deadline: number, signal: AbortSignal): Promise<string>;
}

/** Connections for requests; each wait has one of its own besides. More requests queue. */
const CONNECTIONS = 64;

/** Reads the certificates. What is wrong with the address shows with the first request. */
export async function connectMember(endpoint: URL, { tls, user }: Access): Promise<Member> {
  const secure = isSecure(endpoint);
  const files = secure ? await readFiles(tls) : {};
  const http = await importHttp(endpoint);
  const open = (options: AgentOptions) => new http.Agent({ ...options, ...files });
  const requests = open({ keepAlive: true, maxSockets: CONNECTIONS });
  // Apart, so that waits and probes never queue behind requests.
  const waits = open({ keepAlive: true });
  const gone = new AbortController();
  const authorization = user && `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;

  function send(
    { key, method, query, form }: KeyRequest,
    options: { readonly agent: Agent; readonly deadline?: number; readonly signal: AbortSignal },
  ): Promise<HttpAnswer> {
    return exchange(endpoint, {
      ...options,
      method: method ?? (form ? 'PUT' : 'GET'),
      path: `/v2/keys${key.split('/').map(encodeURIComponent).join('/')}?${encodeForm(query)}`,
      headers: {
        ...(authorization && { authorization }),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(form && { body: encodeForm(form) }),
    });
  }

  const get = (path: string, deadline: number, signal = gone.signal) =>
    exchange(endpoint, { method: 'GET', path, headers: {}, agent: waits, deadline, signal });

  return {
    endpoint,
    async request(request, deadline) {
      return parseAnswer(await send(request, { agent: requests, deadline, signal: gone.signal }));
    },
    async wait(request, signal) {
      const either = AbortSignal.any([signal, gone.signal]);
      const answer = await send(request, { agent: waits, signal: either });
      return answer.status === 200 && answer.body.trim() === '' ? undefined : parseAnswer(answer);
    },
    async probe(deadline) {
      const { status } = await get('/v2/members/leader', deadline);
      if (status === 503) throw new Error('no leader');
    },
    async clusterVersion(deadline, signal) {
      const { body } = await get('/version', deadline, signal);
      const version = parseObject(body)?.etcdcluster;
      if (typeof version === 'string') return version;
      throw new Error(`no version of etcd: ${body.slice(0, 200)}`);
    },
    [Symbol.dispose]() {
      gone.abort(new Error('the connection broke'));
      requests.destroy();
      waits.destroy();
    },
  };
}

async function readFiles(tls: TlsFiles) {
  const read = (path: string | undefined) => (path ? readFile(path) : undefined);
  const [ca, cert, key] = await Promise.all([read(tls.ca), read(tls.cert), read(tls.key)]);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function encodeForm(fields: Readonly<Record<string, string | number | true>>): string {
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
  return new URLSearchParams(Object.fromEntries(texts)).toString();
}
