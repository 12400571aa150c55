import { parsePrefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHost, desired, ownership, self, type Host } from './support/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(() => host[Symbol.asyncDispose]());

const IPV4 = parsePrefix('10.5.1.0/24');
const IPV6 = parsePrefix('fc00:5:1::/64');
const own = (...blackholes: (typeof IPV4)[]) => desired({ self: { ...self, blackholes } });
const LINES = [
  'blackhole 10.5.1.0/24 metric 4294967295',
  'blackhole fc00:5:1::/64 dev lo metric 4294967295 pref medium',
];

/** The blackhole routes of both families, in the words of `ip`. */
async function blackholes(): Promise<string[]> {
  return [
    ...(await host.lines('ip route show type blackhole')),
    ...(await host.lines('ip -6 route show type blackhole')),
  ];
}

const networks = { ...ownership, blackholesWithin: [parsePrefix('10.5.0.0/16'), parsePrefix('fc00:5::/32')] };

it('makes the routes of both families, changes nothing the second time, and repairs drift', async () => {
  await host.device.apply(own(IPV4, IPV6), networks);
  expect(await blackholes()).toEqual(LINES);
  await host.device.reconcile();
  expect(host.events).toEqual([]);
  await host.run('ip route delete blackhole 10.5.1.0/24');
  await host.run('ip -6 route delete blackhole fc00:5:1::/64');
  const repaired = (what: string) =>
    host.reported((event) => event.kind === 'repaired' && event.steps.includes(`put blackhole ${what}`));
  await Promise.all([repaired('10.5.1.0/24'), repaired('fc00:5:1::/64')]);
  expect(await blackholes()).toEqual(LINES);
});

it('loses to the connected route of a bridge, whichever came first', async () => {
  const routeTo = async (address: string) => (await host.run(`ip route get ${address}`)).split('\n')[0];
  await host.run('ip link add docker0 type bridge');
  await host.run('ip link set docker0 up');
  for (const first of ['bridge', 'blackhole']) {
    if (first === 'bridge') await host.run('ip address add 10.5.1.1/24 dev docker0');
    await host.device.apply(own(IPV4, IPV6), networks);
    if (first === 'blackhole') {
      await expect(routeTo('10.5.1.9')).rejects.toThrow('Invalid argument');
      await host.run('ip address add 10.5.1.1/24 dev docker0');
    }
    await host.run('ip address replace fc00:5:1::1/64 dev docker0 nodad');
    expect(await routeTo('10.5.1.9')).toContain('dev docker0');
    expect(await routeTo('fc00:5:1::9')).toContain('dev docker0');
    await host.run('ip address flush dev docker0');
    await host.device.apply(own(), networks);
    expect(await blackholes()).toEqual([]);
  }
});

it('removes what an earlier run left, and no blackhole of an operator', async () => {
  await host.device.apply(own(IPV4, IPV6), networks);
  const others = [
    '10.5.2.0/24',
    '10.5.3.0/24 proto static metric 4294967295',
    '10.6.1.0/24 metric 4294967295',
  ];
  for (const route of others) await host.run(`ip route add blackhole ${route}`);
  await host.device[Symbol.asyncDispose]();
  await using next = host.createDevice();
  await next.apply(own(parsePrefix('10.5.9.0/24')), networks);
  expect(await blackholes()).toEqual(
    [...others, '10.5.9.0/24 metric 4294967295'].map((route) => `blackhole ${route}`).sort(),
  );
});
