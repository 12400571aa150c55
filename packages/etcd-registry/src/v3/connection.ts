import type { CallOptions as GrpcCallOptions } from '@grpc/grpc-js';
import type { CallOptions, Clock, Logger } from '@flannel-ts/subnet';
import { createFailover, type Attempt as MemberAttempt } from '../failover.ts';
import type { Access, Liveness } from '../options.ts';
import { connectMember, requestOptions, streamOptions, type Member } from './member.ts';
import { asRefusal, isTokenStale } from './refusal.ts';
import { createSignIn } from './sign-in.ts';

/** A cluster that answers over the v3 API. */
export interface Connection {
  /**
   * Sends a request to a member that answers, signed in.
   * @throws {RegistryUnavailableError} after 3 seconds for each endpoint at most, without the time of a sign-in.
   */
  call<T>(send: (attempt: Attempt) => Promise<T>, options?: CallOptions): Promise<T>;
  /** Makes the next call use a new connection, and sign in again; what is followed ends. */
  reconnect(): void;
}

export interface Attempt extends MemberAttempt<Member> {
  /** gRPC's options for the request. */
  readonly request: GrpcCallOptions;
  /** gRPC's options for a stream. */
  readonly stream: GrpcCallOptions;
}

export function createConnection(
  components: { readonly log: Logger; readonly clock: Clock; readonly random: () => number },
  {
    access,
    closed,
    liveness,
  }: { readonly access: Access; readonly closed: AbortSignal; readonly liveness: Liveness },
): Connection {
  const connect = (endpoint: URL) => connectMember(endpoint, access, liveness);
  const { random } = components;
  const failover = createFailover({ connect, random }, { endpoints: access.endpoints, closed });
  const signIn = createSignIn(components, access.user);

  /** Sends with a token; once more with a new one when etcd does not take it. */
  async function sendSignedIn<T>(
    send: (attempt: Attempt) => Promise<T>,
    attempt: MemberAttempt<Member>,
    isLast = false,
  ): Promise<T> {
    const began = performance.now();
    const token = await signIn.token(attempt.member);
    const request = requestOptions(token, attempt.deadline + performance.now() - began);
    try {
      return await send({ ...attempt, request, stream: streamOptions(token) });
    } catch (error) {
      if (!access.user || isLast || !isTokenStale(error)) throw asRefusal(error);
      signIn.expire(token);
      return await sendSignedIn(send, attempt, true);
    }
  }

  return {
    call: (send, options) => failover.call((attempt) => sendSignedIn(send, attempt), options),
    reconnect() {
      signIn.reset();
      failover.reconnect();
    },
  };
}
