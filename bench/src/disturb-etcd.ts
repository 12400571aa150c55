import type { Etcd, EtcdCluster } from '@flannel-ts/lab';

/** Makes another member the leader. */
export async function changeLeader({ members }: EtcdCluster): Promise<void> {
  const all = await Promise.all(members.map(statusOf));
  const leader = all.find(({ isLeader }) => isLeader);
  if (!leader) throw new Error('etcd has no leader');
  const next = all[(all.indexOf(leader) + 1) % all.length]!;
  await leader.member.etcdctl('move-leader', next.id);
}

/** Ends the leader at once and starts it again. */
export async function restartLeader({ members }: EtcdCluster): Promise<void> {
  const all = await Promise.all(members.map(statusOf));
  const leader = all.find(({ isLeader }) => isLeader);
  if (!leader) throw new Error('etcd has no leader');
  await leader.member.kill();
  await leader.member.restart();
}

interface MemberStatus {
  readonly member: Etcd;
  /** In hexadecimal digits. */
  readonly id: string;
  readonly isLeader: boolean;
}

async function statusOf(member: Etcd): Promise<MemberStatus> {
  // In JSON the id is a number beyond what JavaScript has exactly.
  const fields = (await member.etcdctl('endpoint', 'status', '-w', 'simple')).split(', ');
  return { member, id: fields[1]!, isLeader: fields[4] === 'true' };
}
