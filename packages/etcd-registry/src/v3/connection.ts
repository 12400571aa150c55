import type { CallOptions as GrpcCallOptions } from '@grpc/grpc-js';
import type { CallOptions, Logger } from '@flannel-ts/subnet';
import { createFailover, type Attempt as MemberAttempt } from '../failover.ts';
import type { Access } from '../options.ts';
import { connectMember, type Member } from './member.ts';

/** A cluster that answers over the v3 API. */
export interface Connection {
  /**
   * Sends a request to a member that answers.
   * @throws {RegistryUnavailableError}
   */
  call<T>(send: (attempt: Attempt) => Promise<T>, options?: CallOptions): Promise<T>;
}

export interface Attempt extends MemberAttempt<Member> {
  /** gRPC's options for the request. */
  readonly request: GrpcCallOptions;
}

export function createConnection(
  { log, random }: { readonly log: Logger; readonly random: () => number },
  { access, closed }: { readonly access: Access; readonly closed: AbortSignal },
): Connection {
  const connect = (endpoint: URL, deadline: number) => connectMember({ log }, endpoint, access, deadline);
  const failover = createFailover({ connect, random }, { endpoints: access.endpoints, closed });
  return {
    call: (send, options) =>
      failover.call(
        (attempt) => send({ ...attempt, request: attempt.member.request(attempt.deadline) }),
        options,
      ),
  };
}
