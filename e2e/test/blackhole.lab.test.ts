import { createCluster, type Cluster, type Container, type Node } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaseKeyOf, showLogsOnFailure } from './contract.ts';

const SUBNETS = '/coreos.com/network/subnets/';
const FLAG = '--ip-blackhole-route';

// The second host's default route leads back to the first, as that of hosts behind a common router does.
describe('a packet to a container that does not exist', () => {
  let cluster: Cluster;
  let near: Node;
  let far: Node;
  let container: Container;

  beforeAll(async () => {
    cluster = await createCluster({ backend: { Type: 'vxlan' } });
    [near, far] = [await cluster.addNode(), await cluster.addNode()];
    await cluster.converged();
    container = await near.addContainer();
    await far.host.run('ip', 'route', 'replace', 'default', 'via', near.host.address);
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  showLogsOnFailure(() => [near, far]);

  /** What `ping` says of an address that nothing on the far host has. */
  async function pingAbsent(): Promise<string> {
    const { FLANNEL_SUBNET } = await far.subnetEnv();
    const ping = ['ping', '-c', '1', '-W', '5', FLANNEL_SUBNET.replace(/\.1\/24$/, '.99')];
    return container.run('sh', '-c', `${ping.join(' ')} || true`);
  }

  async function blackholes(): Promise<string> {
    return far.host.run('ip', 'route', 'show', 'type', 'blackhole');
  }

  async function restartFar(...flags: string[]): Promise<void> {
    await far.restart(flags);
    await far.ready();
  }

  async function expectedRoute(): Promise<string> {
    return `blackhole ${(await leaseKeyOf(far)).replace('-', '/')} metric 4294967295`;
  }

  it('circles between the hosts until its time to live has passed', async () => {
    expect(await blackholes()).toBe('');
    expect(await pingAbsent()).toContain('Time to live exceeded');
  });

  it('is dropped with --ip-blackhole-route', async () => {
    await restartFar(FLAG);
    expect((await blackholes()).trim()).toBe(await expectedRoute());
    const output = await pingAbsent();
    expect(output).toContain('100% packet loss');
    expect(output).not.toContain('exceeded');
  });

  it('leaves the containers that exist reachable', async () => {
    const present = await far.addContainer();
    expect(await container.run('ping', '-c', '1', '-W', '5', present.address)).toContain(' 0% packet loss');
    expect(await present.run('ping', '-c', '1', '-W', '5', container.address)).toContain(' 0% packet loss');
  });

  it('is dropped in the subnet that the host has now', async () => {
    const former = await leaseKeyOf(far);
    await far.daemon.stop();
    await far.host.run('rm', far.subnetFile);
    await cluster.etcd.etcdctl('del', SUBNETS + former);
    const taken = JSON.stringify({ PublicIP: '192.168.77.250', BackendType: 'alloc' });
    await cluster.etcd.etcdctl('put', SUBNETS + former, taken);
    await restartFar(FLAG);
    expect(await leaseKeyOf(far)).not.toBe(former);
    expect((await blackholes()).trim()).toBe(await expectedRoute());
  });

  it('is routed on after a start without the flag', async () => {
    await restartFar();
    expect(await blackholes()).toBe('');
  });
});
