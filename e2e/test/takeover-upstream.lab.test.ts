import { createCluster, type Container } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChangingHost, MTU, type ChangingHost } from './changing-host.ts';
import type { Network } from './cleanup-host.ts';
import { eventually, showLogsOnFailure } from './contract.ts';
import { NO_LOSSES, startTraffic, type Traffic } from './traffic.ts';

type Change = (host: ChangingHost) => Promise<void>;
const toUpstream: Change = (host) => host.startUpstream();
const toOurs: Change = (host) => host.startOurs();

/** Two hosts, whose containers are connected when both have begun. */
function connectHosts(type: keyof typeof MTU, begin: readonly Change[]) {
  const stack = new AsyncDisposableStack();
  const network: Network = { prefix: '/coreos.com/network', range: '10.5', backend: { Type: type } };
  let hosts: readonly [ChangingHost, ChangingHost];
  let traffic: Traffic;

  const changeAll = async (change: Change) => {
    for (const host of hosts) await change(host);
  };

  beforeAll(async () => {
    const cluster = stack.use(await createCluster({ backend: network.backend as { Type: string } }));
    const { lab } = cluster;
    const create = async () => createChangingHost(cluster, await lab.addHost(), network);
    hosts = [await create(), await create()];
    for (const change of begin) await changeAll(change);
    const containers = [await addContainer(hosts[0]), await addContainer(hosts[1])] as const;
    await reaches(...containers);
    traffic = stack.use(await startTraffic(...containers));
  });
  afterAll(() => stack.disposeAsync());
  showLogsOnFailure(() => hosts);

  async function addContainer(changing: ChangingHost): Promise<Container> {
    const { subnet } = await changing.identity();
    return changing.host.addContainer({ bip: subnet.replace('.0/', '.1/'), mtu: MTU[type] });
  }

  return {
    lossesDuring: (change: Change) => traffic.lossesDuring(() => changeAll(change)),
    identities: () => Promise.all(hosts.map((host) => host.identity())),
  };
}

async function reaches(from: Container, to: Container): Promise<void> {
  const ping = () => from.run('ping', '-n', '-c', '1', '-W', '1', to.address).catch(String);
  await eventually(ping, (text) => text.includes(' 0% packet loss'));
}

/** Upstream's daemon knows only the hosts that were there when it started: here it ends at once. */
const BEGIN = { upstream: [toUpstream, toUpstream], ours: [toOurs] };

describe.each([
  { type: 'vxlan', begin: 'upstream', changes: [toOurs, toUpstream] },
  { type: 'vxlan', begin: 'ours', changes: [toUpstream, toOurs] },
  { type: 'host-gw', begin: 'upstream', changes: [toOurs, toUpstream] },
  { type: 'host-gw', begin: 'ours', changes: [toUpstream, toOurs] },
] as const)('a TCP connection by $type on hosts of $begin', ({ type, begin, changes }) => {
  const hosts = connectHosts(type, BEGIN[begin]);

  it('loses nothing while one host after the other changes to the other daemon, and back', async () => {
    const before = await hosts.identities();
    for (const change of changes) {
      expect(await hosts.lossesDuring(change)).toEqual(NO_LOSSES);
      expect(await hosts.identities()).toEqual(before);
    }
  });
});

describe('a TCP connection by udp on hosts that were upstream’s', () => {
  const hosts = connectHosts('udp', [toUpstream, toOurs]);

  it('survives that upstream’s daemon was there for a while, whose packets end with it', async () => {
    const before = await hosts.identities();
    await hosts.lossesDuring(async (host) => {
      await host.startUpstream();
      await host.startOurs();
    });
    expect(await hosts.identities()).toEqual(before);
  });
});
