import type { IKeyValue } from 'etcd3';

/** The id that stands for no etcd lease: the key has no time to live. */
export const NO_ETCD_LEASE = '0';

/** What {@link Lease.revision} says in v3: the key's `mod_revision` and the etcd lease it is attached to. */
export interface Revision {
  readonly modRevision: string;
  readonly etcdLease: string;
}

export function formatRevision({ modRevision, etcdLease }: Revision): string {
  return `${modRevision}/${etcdLease}`;
}

export function parseRevision(text: string): Revision {
  const [modRevision = '', etcdLease = NO_ETCD_LEASE] = text.split('/');
  return { modRevision, etcdLease };
}

export function revisionOf(kv: IKeyValue): Revision {
  return { modRevision: kv.mod_revision, etcdLease: kv.lease };
}
