import { readFile } from 'node:fs/promises';
import { InterceptingCall, status, type CallOptions, type Interceptor } from '@grpc/grpc-js';
import type { Logger } from '@flannel-ts/subnet';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { isSecure, type Access, type TlsFiles } from '../options.ts';

/** A connection to one member of the cluster. */
export interface Member extends Disposable {
  readonly endpoint: URL;
  readonly client: Etcd3;
  /** Options for a call that answers at once. `deadline` in milliseconds since the epoch. */
  request(deadline: number): CallOptions;
  /** Options for a stream that ends when the member loses its leader, as it would see no changes then. */
  stream(): CallOptions;
}

const grpcOptions = {
  // All leases come in one response; the default of 4 MB is about 15,000 leases.
  'grpc.max_receive_message_length': -1,
  // gRPC refuses calls at once while it backs off, by default for minutes after a long outage.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

/** Reads the certificates and signs in. What is wrong with the address shows with the first call. */
export async function connectMember(
  { log }: { readonly log: Logger },
  endpoint: URL,
  access: Access,
  deadline: number,
): Promise<Member> {
  const client = new Etcd3({
    hosts: endpoint.origin,
    ...(isSecure(endpoint) && { credentials: await readCredentials(access.tls) }),
    grpcOptions,
    // Retries and failover are the connection's, which knows what may be repeated.
    faultHandling: { host: () => noop, global: noop },
  });
  let token: string | undefined;
  try {
    token = await signIn(client, access.user, deadline);
    if (access.user && !token) log.debug({}, 'etcd has authentication disabled; the user name is ignored');
  } catch (error) {
    client.close();
    throw error;
  }
  return {
    endpoint,
    client,
    request: (deadline) => ({ deadline, interceptors: [withMetadata({ token })] }),
    stream: () => ({ interceptors: [withMetadata({ token, hasleader: 'true' })] }),
    [Symbol.dispose]: () => client.close(),
  };
}

type Credentials = NonNullable<ConstructorParameters<typeof Etcd3>[0]>['credentials'];

async function readCredentials({ ca, cert, key }: TlsFiles): Promise<Credentials> {
  const read = (path: string | undefined) => (path ? readFile(path) : undefined);
  const [rootCertificate, certChain, privateKey] = await Promise.all([read(ca), read(cert), read(key)]);
  // etcd3 hands an undefined root certificate on to gRPC, which takes Node's authorities then.
  return { rootCertificate, certChain, privateKey } as Credentials;
}

async function signIn(client: Etcd3, user: Access['user'], deadline: number): Promise<string | undefined> {
  if (!user) return undefined;
  try {
    return (await client.auth.authenticate(user, { deadline })).token;
  } catch (error) {
    if (error instanceof Error && error.message.includes('authentication is not enabled')) return undefined;
    throw error;
  }
}

/** Our token and not etcd3's: etcd3 leaks a channel with every sign-in. */
function withMetadata(entries: Readonly<Record<string, string | undefined>>): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        for (const [name, value] of Object.entries(entries)) if (value) metadata.set(name, value);
        next(metadata, {
          onReceiveStatus(received, nextStatus) {
            // etcd3 would repeat the call with the same token for ever; a new connection brings a new one.
            const expired = received.details.includes('invalid auth token');
            nextStatus(
              expired ? { ...received, code: status.UNAVAILABLE, details: 'the token expired' } : received,
            );
          },
        });
      },
    });
}
