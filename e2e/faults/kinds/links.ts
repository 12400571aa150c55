import { setTimeout as delay } from 'node:timers/promises';
import { seconds, unready, type Fault } from '../fault.ts';
import type { FaultHost } from '../host.ts';
import type { World } from '../world.ts';

const hasDevice = ({ network }: World) => network.device !== undefined;

/** What becomes of a host's links and addresses. */
export const linkFaults: readonly Fault[] = [
  {
    kind: 'underlay link flapping',
    async inject({ hosts, lab }, random) {
      const host = random.pick(hosts);
      const flaps = random.integer(1, 5);
      for (let count = 0; count < flaps; count++) {
        await host.run('ip', 'link', 'set', 'eth0', 'down');
        await delay(seconds(random, 0, 0.5));
        await host.run('ip', 'link', 'set', 'eth0', 'up');
        await delay(seconds(random, 0, 0.5));
      }
      // The kernel takes the route away with the link; the host's network manager writes it again.
      const heal = () => routeDefault(host, lab.underlayAddress);
      return { what: `${host.name}, ${flaps} times`, holdMs: seconds(random, 0, 3), heal };
    },
  },
  {
    kind: 'underlay cable unplugged',
    combines: true,
    async inject({ hosts, lab }, random) {
      const host = random.pick(hosts);
      const set = (state: string) => lab.underlay.run('ip', 'link', 'set', host.name, state);
      await set('down');
      const holdMs = seconds(random, 1, 15);
      return { what: `${host.name} for ${holdMs} ms`, holdMs, heal: () => set('up') };
    },
  },
  {
    kind: 'underlay address changed',
    async inject({ hosts, client, lab }, random) {
      const host = random.pick(hosts);
      const former = host.underlayAddress;
      const next = `192.168.77.${random.integer(100, 150)}`;
      await readdress(host, { from: former, to: next, gateway: lab.underlayAddress });
      const effect = async () => {
        const leases = await client.leases();
        return leases.some(({ publicIp }) => publicIp === next) ? undefined : `no lease has ${next}`;
      };
      const heal = () => readdress(host, { from: next, to: former, gateway: lab.underlayAddress });
      return { what: `${host.name} to ${next}`, holdMs: seconds(random, 0, 5), effect, heal };
    },
  },
  {
    kind: 'underlay MTU changed',
    async inject({ hosts, network }, random) {
      const host = random.pick(hosts);
      const mtu = random.integer(1_300, 1_480);
      const set = (value: number) => host.run('ip', 'link', 'set', 'eth0', 'mtu', `${value}`);
      await set(mtu);
      const effect = async () => {
        const { FLANNEL_MTU: found } = await host.subnetEnv();
        return found === `${mtu - network.overhead}` ? undefined : `subnet.env has MTU ${found ?? 'none'}`;
      };
      const what = `${host.name} to ${mtu}`;
      return { what, holdMs: seconds(random, 0, 3), effect, heal: () => set(1_500) };
    },
  },
  {
    kind: 'overlay device deleted',
    suits: hasDevice,
    async inject({ hosts, network }, random) {
      const host = random.pick(hosts);
      await host.run('ip', 'link', 'del', network.device!);
      return { what: host.name, holdMs: 0, heal: async () => undefined };
    },
  },
  {
    kind: 'overlay device of another kind',
    suits: hasDevice,
    async inject({ hosts, network }, random) {
      const host = random.pick(hosts);
      const device = network.device!;
      // Paused, so that the daemon is not faster.
      await host.daemon.freeze();
      await host.run('ip', 'link', 'del', device);
      await host.run('ip', 'link', 'add', device, 'type', 'bridge');
      host.daemon.signal('SIGCONT');
      const effect = unready([host], new RegExp(`backend failing .*${device}`));
      const heal = () => host.run('ip', 'link', 'del', device);
      return { what: host.name, holdMs: seconds(random, 0, 3), effect, heal };
    },
  },
];

async function routeDefault(host: FaultHost, gateway: string): Promise<void> {
  await host.run('ip', 'route', 'replace', 'default', 'via', gateway);
}

async function readdress(
  host: FaultHost,
  change: { readonly from: string; readonly to: string; readonly gateway: string },
): Promise<void> {
  await host.run('ip', 'address', 'del', `${change.from}/24`, 'dev', 'eth0');
  await host.run('ip', 'address', 'add', `${change.to}/24`, 'dev', 'eth0');
  await routeDefault(host, change.gateway);
  host.underlayAddress = change.to;
}
