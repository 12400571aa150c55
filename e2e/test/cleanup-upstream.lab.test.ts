import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLab, type Host } from '@flannel-ts/lab';
import { expect, it } from 'vitest';
import { addOperatorsThings, cleanUp, difference, hostState } from './cleanup-host.ts';

/** What upstream's daemon leaves of a network, in the words of the compatibility contract. */
async function leaveUpstreamsThings(host: Host, program: string): Promise<void> {
  // All namespaces have one lock of iptables-legacy.
  const iptables = (...words: string[]) => host.run(program, '-w', '20', ...words);
  const forward = (chain: string, ...rule: string[]) =>
    iptables('-A', chain, ...rule, '-m', 'comment', '--comment', 'flanneld forward');
  const masquerade = (...rule: string[]) =>
    iptables('-t', 'nat', '-A', 'FLANNEL-POSTRTG', ...rule, '-m', 'comment', '--comment', 'flanneld masq');
  const commands = [
    'ip link add flannel.1 type vxlan id 1 dev eth0 dstport 8472 nolearning',
    'ip address add 10.5.69.0/32 dev flannel.1',
    'ip link set flannel.1 up',
    'ip neighbour add 10.5.7.0 lladdr 02:00:00:00:00:07 dev flannel.1 nud permanent',
    'bridge fdb add 02:00:00:00:00:07 dst 192.168.77.7 dev flannel.1 self permanent',
    'ip route add 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink',
    'ip route add 10.5.8.0/24 via 192.168.77.8',
    'ip route add blackhole 10.5.69.0/24',
  ];
  for (const command of commands) await host.run(...command.split(' '));
  await iptables('-N', 'FLANNEL-FWD');
  await forward('FORWARD', '-j', 'FLANNEL-FWD');
  await forward('FLANNEL-FWD', '-s', '10.5.0.0/16', '-j', 'ACCEPT');
  await forward('FLANNEL-FWD', '-d', '10.5.0.0/16', '-j', 'ACCEPT');
  await iptables('-t', 'nat', '-N', 'FLANNEL-POSTRTG');
  const jump = ['-m', 'comment', '--comment', 'flanneld masq', '-j', 'FLANNEL-POSTRTG'];
  await iptables('-t', 'nat', '-A', 'POSTROUTING', ...jump);
  await masquerade('-s', '10.5.69.0/24', '-d', '10.5.0.0/16', '-j', 'RETURN');
  await masquerade('-s', '10.5.0.0/16', '-d', '10.5.69.0/24', '-j', 'RETURN');
  await masquerade('!', '-s', '10.5.0.0/16', '-d', '10.5.69.0/24', '-j', 'RETURN');
  await masquerade('-s', '10.5.0.0/16', '!', '-d', '224.0.0.0/4', '-j', 'MASQUERADE', '--random-fully');
}

it.each(['iptables-nft', 'iptables-legacy'])(
  'flanneld cleanup removes what upstream’s daemon left, with rules of %s, and nothing of others',
  async (iptables) => {
    await using lab = await createLab();
    const host = await lab.addHost();
    // Makes the tables, which stay.
    for (const table of ['filter', 'nat'])
      await host.run(iptables, '-w', '20', '-t', table, '-N', 'OPERATORS');
    await addOperatorsThings(host);
    // A former device of flannel's, or one to come, of another network: it has no address of ours.
    await host.run(
      'ip',
      'link',
      'add',
      'flannel.2',
      'type',
      'vxlan',
      'id',
      '2',
      'dev',
      'eth0',
      'dstport',
      '8473',
    );
    await host.run('ip', 'route', 'add', '10.5.9.0/24', 'via', '192.168.77.1');
    const before = await hostState(host);
    await leaveUpstreamsThings(host, iptables);
    const subnetFile = join(host.directory, 'subnet.env');
    await writeFile(
      subnetFile,
      'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.69.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    );
    const { exitCode, output } = await cleanUp(host, `--subnet-file=${subnetFile}`);
    expect(output).toContain(
      'route 10.5.9.0/24 via 192.168.77.1: left, as its gateway is that of the default route',
    );
    expect(exitCode).toBe(0);
    expect(difference(before, await hostState(host))).toEqual({ added: [], removed: [] });
  },
);
