import { fileURLToPath } from 'node:url';
import { createLab, type Lab, type Namespace } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = [process.execPath, fileURLToPath(new URL('support/attempt.ts', import.meta.url))];

let lab: Lab;
let host: Namespace;
let far: Namespace;

/** `host` reaches `far` through the underlay's namespace, a router with a link of 1300 bytes to it. */
beforeAll(async () => {
  lab = await createLab();
  const [near, other] = [await lab.addHost(), await lab.addHost()];
  host = near;
  far = other;
  const { underlay } = lab;
  await underlay.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
  const path = ['mtu', '1300', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', far.namespace, 'mtu', '1300'];
  await underlay.run('ip', 'link', 'add', 'narrow', ...path);
  await address(underlay, 'br0', 'fd00:1::1/64');
  await address(host, 'eth0', 'fd00:1::2/64');
  await address(underlay, 'narrow', '10.9.0.1/24', 'fd00:9::1/64');
  await address(far, 'eth1', '10.9.0.2/24', 'fd00:9::2/64');
  await underlay.run('ip', 'link', 'set', 'narrow', 'up');
  await far.run('ip', 'link', 'set', 'eth1', 'up');
  await host.run('ip', '-6', 'route', 'add', 'default', 'via', 'fd00:1::1');
  await far.run('ip', '-6', 'route', 'add', 'default', 'via', 'fd00:9::1');
});
afterAll(() => lab[Symbol.asyncDispose]());

async function address(namespace: Namespace, device: string, ...prefixes: string[]): Promise<void> {
  for (const prefix of prefixes) {
    const nodad = prefix.includes(':') ? ['nodad'] : [];
    await namespace.run('ip', 'address', 'add', prefix, 'dev', device, ...nodad);
  }
}

const attempt = (...what: string[]) => host.json<Record<string, unknown>>(...program, ...what);

describe.for([
  ['IPv4', '10.9.0.2', '10.8.0.1', { name: 'UnreachableError', code: 'EHOSTUNREACH' }],
  ['IPv6', 'fd00:9::2', 'fd00:8::1', { name: 'PermissionError', code: 'EACCES' }],
] as const)('over %s', ([, peer, nowhere, refusal]) => {
  it('an address without a route cannot be sent to nor connected with', async () => {
    await host.run('ip', 'route', 'add', 'unreachable', nowhere);
    for (const syscall of ['send', 'connect']) {
      const error = { name: 'UnreachableError', code: 'EHOSTUNREACH', syscall, address: nowhere, port: 9 };
      expect(await attempt(syscall, nowhere, '9')).toMatchObject({ error });
    }
    await host.run('ip', 'route', 'delete', 'unreachable', nowhere);
  });

  it('a prohibit route forbids', async () => {
    await host.run('ip', 'route', 'add', 'prohibit', nowhere);
    const error = { name: 'PermissionError', code: 'EACCES', syscall: 'send', address: nowhere };
    expect(await attempt('send', nowhere, '9')).toMatchObject({ error });
    await host.run('ip', 'route', 'delete', 'prohibit', nowhere);
  });

  it('a connected socket is told that a firewall refuses', async () => {
    await far.run('nft', 'add table inet t');
    await far.run('nft', 'add chain inet t in { type filter hook input priority 0; }');
    await far.run('nft', 'add rule inet t in udp dport 9 reject with icmpx type admin-prohibited');
    expect(await attempt('converse', peer, '9')).toMatchObject({ error: { ...refusal, syscall: 'recvmsg' } });
    await far.run('nft', 'delete table inet t');
  });

  it('a connected socket is told that a router found a datagram too big', async () => {
    const { error } = await attempt('converse', peer, '9', '1400');
    expect(error).toMatchObject({ name: 'MessageTooBigError', code: 'EMSGSIZE', syscall: 'recvmsg' });
    expect(error).toMatchObject({ address: peer, port: 9 });
    expect(error).toHaveProperty('message', expect.stringContaining(`ip route get ${peer}`));
    expect(error).not.toHaveProperty('size');
    // Afterwards the kernel knows the path, and cuts what is too big: it arrives, and nobody listens.
    expect(await host.run('ip', 'route', 'get', peer)).toContain('mtu 1300');
    expect(await attempt('converse', peer, '9', '1400')).toMatchObject({ error: { code: 'ECONNREFUSED' } });
  });
});

it('without any route nothing can be reached', async () => {
  const bare = await lab.addHost();
  await bare.run('ip', 'route', 'flush', 'table', 'main');
  const error = { name: 'UnreachableError', code: 'ENETUNREACH', syscall: 'send', address: '10.8.0.1' };
  expect(await bare.json(...program, 'send', '10.8.0.1', '9')).toMatchObject({ error });
});

it('without a local address nothing can be sent', async () => {
  const bare = await lab.addHost();
  for (const device of ['lo', 'eth0']) await bare.run('ip', '-6', 'address', 'flush', 'dev', device);
  await bare.run('ip', 'route', 'add', 'fd00:8::1', 'dev', 'eth0');
  const error = { name: 'AddressMissingError', code: 'EADDRNOTAVAIL', syscall: 'send', address: 'fd00:8::1' };
  expect(await bare.json(...program, 'send', 'fd00:8::1', '9')).toMatchObject({ error });
});

it('link-local addresses name their interface', async () => {
  const [eth0] = await far.json<[{ addr_info: { scope: string; family: string; local: string }[] }]>(
    ...['ip', '-json', 'address', 'show', 'dev', 'eth0'],
  );
  const { local } = eth0.addr_info.find(({ scope, family }) => scope === 'link' && family === 'inet6')!;
  await host.run('ping', '-6', '-c1', '-w5', `${local}%eth0`);
  await using echo = far.start([...program, 'echo', '::', '7000']);
  await echo.line(/listening/);
  expect(await attempt('converse', `${local}%eth0`, '7000', '1400')).toEqual({ value: { answered: 1_400 } });
});

it('a port below 1024 needs a privilege', async () => {
  const unprivileged = ['setpriv', '--inh-caps=-all', '--bounding-set=-all'];
  const error = { name: 'PermissionError', code: 'EACCES', syscall: 'bind', address: '0.0.0.0', port: 80 };
  const denied = await host.json<object>(...unprivileged, ...program, 'bind', '0.0.0.0', '80');
  expect(denied).toMatchObject({ error });
  expect(denied).toHaveProperty('error.message', expect.stringContaining('CAP_NET_BIND_SERVICE'));
  expect(await attempt('bind', '0.0.0.0', '80')).toEqual({ value: { address: '0.0.0.0', port: 80 } });
});

it('a firewall rule forbids', async () => {
  await host.run('nft', 'add table inet t');
  await host.run('nft', 'add chain inet t out { type filter hook output priority 0; }');
  await host.run('nft', 'add rule inet t out udp dport 9 drop');
  const error = { name: 'PermissionError', code: 'EPERM', syscall: 'send', address: '10.9.0.2', port: 9 };
  expect(await attempt('send', '10.9.0.2', '9')).toMatchObject({ error });
  await host.run('nft', 'delete table inet t');
});

it('sends that wait for the send buffer settle when the socket is closed', async () => {
  const { value } = await attempt('wait', '192.168.77.250', '9');
  const { sent, failures, rejection } = value as { sent: number; failures: string[]; rejection: string };
  expect(sent).toBeGreaterThan(0);
  expect(failures.length).toBe(20 - sent);
  expect(failures.length).toBeGreaterThan(0);
  expect(new Set([...failures, rejection])).toEqual(new Set(['SocketClosedError']));
});
