import { createFailover, type Failover } from '../failover.ts';
import type { Access } from '../options.ts';
import { connectMember, type Member } from './member.ts';

/** A cluster that answers over the v2 API. */
export type Connection = Failover<Member>;

export function createConnection(
  { random }: { readonly random: () => number },
  { access, closed }: { readonly access: Access; readonly closed: AbortSignal },
): Connection {
  const connect = (endpoint: URL) => connectMember(endpoint, access);
  return createFailover({ connect, random }, { endpoints: access.endpoints, closed });
}
