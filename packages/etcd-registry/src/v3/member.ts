import { readFile } from 'node:fs/promises';
import { InterceptingCall, status, type CallOptions, type Interceptor } from '@grpc/grpc-js';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { ATTEMPT_MS, type Connected } from '../failover.ts';
import { isSecure, type Access, type Liveness, type TlsFiles } from '../options.ts';
import { asRefusal } from './refusal.ts';

/** A connection to one member of the cluster. */
export interface Member extends Connected {
  readonly endpoint: URL;
  readonly client: Etcd3;
  /** Returns a token for the user; `undefined` while etcd has authentication disabled. @throws {RefusedError} */
  signIn(user: { readonly name: string; readonly password: string }): Promise<string | undefined>;
}

/** Milliseconds for a sign-in. Longer than a request may take, as one that is given up costs etcd as much. */
const SIGN_IN_MS = 60_000;
/** While many hosts sign in, etcd is slow to give a sign of life, and leaving it would only add to its work. */
const SIGN_IN_LIVENESS: Liveness = { intervalMs: 10_000, timeoutMs: 20_000 };

/**
 * Reads the certificates. What is wrong with the address shows with the first call. While a watch is open,
 * HTTP/2 pings show whether the member is alive.
 */
export async function connectMember(endpoint: URL, access: Access, liveness: Liveness): Promise<Member> {
  const credentials = isSecure(endpoint) ? await readCredentials(access.tls) : undefined;
  const client = createClient(endpoint, credentials, liveness);
  const gone = new AbortController();
  return {
    endpoint,
    client,
    gone: gone.signal,
    signIn: (user) => signIn(createClient(endpoint, credentials, SIGN_IN_LIVENESS), user),
    close(reason) {
      gone.abort(reason);
      client.close();
    },
  };
}

/** Signs in over a connection of its own, and closes it. */
async function signIn(
  client: Etcd3,
  user: { readonly name: string; readonly password: string },
): Promise<string | undefined> {
  try {
    // A member that hangs shows here, and not when the sign-in is over.
    await client.maintenance.status({ deadline: Date.now() + ATTEMPT_MS });
    return (await client.auth.authenticate(user, { deadline: Date.now() + SIGN_IN_MS })).token;
  } catch (error) {
    if (error instanceof Error && error.message.includes('authentication is not enabled')) return undefined;
    throw asRefusal(error);
  } finally {
    client.close();
  }
}

function createClient(endpoint: URL, credentials: Credentials | undefined, liveness: Liveness): Etcd3 {
  return new Etcd3({
    hosts: endpoint.origin,
    ...(credentials && { credentials }),
    grpcOptions: {
      // All leases come in one response; the default of 4 MB is about 15,000 leases.
      'grpc.max_receive_message_length': -1,
      // gRPC refuses calls at once while it backs off, by default for minutes after a long outage.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.keepalive_time_ms': liveness.intervalMs,
      'grpc.keepalive_timeout_ms': liveness.timeoutMs,
      // Options that differ keep gRPC from sharing a connection that was left.
      'flannel.client': Symbol('client'),
    },
    // Retries and failover are the connection's, which knows what may be repeated.
    faultHandling: { host: () => noop, global: noop },
  });
}

type Credentials = NonNullable<ConstructorParameters<typeof Etcd3>[0]>['credentials'];

async function readCredentials({ ca, cert, key }: TlsFiles): Promise<Credentials> {
  const read = (path: string | undefined) => (path ? readFile(path) : undefined);
  const [rootCertificate, certChain, privateKey] = await Promise.all([read(ca), read(cert), read(key)]);
  // etcd3 hands an undefined root certificate on to gRPC, which takes Node's authorities then.
  return { rootCertificate, certChain, privateKey } as Credentials;
}

/** Returns gRPC's options for a request that is answered by `deadline`, in milliseconds of `performance.now`. */
export function requestOptions(token: string | undefined, deadline: number): CallOptions {
  const remaining = deadline - performance.now();
  return { deadline: Date.now() + remaining, interceptors: [withMetadata({ token })] };
}

/** Returns gRPC's options for a stream that ends when the member loses its leader, as it would see no changes then. */
export function streamOptions(token: string | undefined): CallOptions {
  return { interceptors: [withMetadata({ token, hasleader: 'true' })] };
}

/** Our token and not etcd3's: etcd3 leaks a channel with every sign-in. */
function withMetadata(entries: Readonly<Record<string, string | undefined>>): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        for (const [name, value] of Object.entries(entries)) if (value) metadata.set(name, value);
        next(metadata, {
          onReceiveStatus(received, nextStatus) {
            // etcd3 would repeat the call with the same token for ever.
            const expired = received.details.includes('invalid auth token');
            nextStatus(
              expired ? { ...received, code: status.UNAUTHENTICATED, details: 'token expired' } : received,
            );
          },
        });
      },
    });
}
