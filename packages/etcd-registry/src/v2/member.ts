import { readFile } from 'node:fs/promises';
import type { AgentOptions } from 'node:http';
import type { Connected } from '../failover.ts';
import { isSecure, type Access, type TlsFiles, type User } from '../options.ts';
import { parseAnswer, parseObject, type Answer } from './answer.ts';
import { exchange, importHttp, type HttpAnswer, type HttpRequest } from './exchange.ts';

/** A request of `/v2/keys`: GET without a form, PUT with one. */
export interface KeyRequest {
  readonly key: string;
  readonly method?: 'DELETE';
  readonly query: Readonly<Record<string, string | number | true>>;
  readonly form?: Readonly<Record<string, string | number>>;
}

/** Keep-alive connections to one member of the cluster. */
export interface Member extends Connected {
  /** `deadline` in milliseconds of `performance.now`, here and below. */
  request(request: KeyRequest, deadline: number): Promise<Answer>;
  /**
   * Returns the next change of a key or of those below it, however long it takes; `undefined` when etcd ends
   * the wait. `onIndex` gets etcd's index as soon as the wait begins.
   */
  wait(
    request: KeyRequest,
    options: { readonly signal: AbortSignal; readonly onIndex: (index: bigint) => void },
  ): Promise<Answer | undefined>;
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

  async function send(
    { key, method, query, form }: KeyRequest,
    options: Pick<HttpRequest, 'agent' | 'deadline' | 'signal' | 'onHeaders'>,
  ): Promise<HttpAnswer> {
    const authorization = user && (await authorize(user));
    return await exchange(endpoint, {
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
    gone: gone.signal,
    async request(request, deadline) {
      return parseAnswer(await send(request, { agent: requests, deadline, signal: gone.signal }));
    },
    async wait(request, { signal, onIndex }) {
      const either = AbortSignal.any([signal, gone.signal]);
      const onHeaders: HttpRequest['onHeaders'] = ({ status, headers }) => {
        const index = Number(headers['x-etcd-index'] ?? NaN);
        if (status === 200 && Number.isSafeInteger(index)) onIndex(BigInt(index));
      };
      const answer = await send(request, { agent: waits, signal: either, onHeaders });
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
    close(reason) {
      gone.abort(reason);
      requests.destroy();
      waits.destroy();
    },
  };
}

async function authorize({ name, readPassword }: User): Promise<string> {
  return `Basic ${Buffer.from(`${name}:${await readPassword()}`).toString('base64')}`;
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
