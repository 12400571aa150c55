import { readFileSync } from 'node:fs';
import { countOutgoingIpsecPolicies, openSynchronousNetlink, type FoundLink } from '@flannel-ts/netlink';
import type { Endpoint } from '../tunnel.ts';
import { FastPathError } from './errors.ts';

/** @throws {FastPathError} */
export function requireInterface(name: string): FoundLink {
  using netlink = openSynchronousNetlink();
  const found = netlink.findLink(name);
  if (!found) throw new FastPathError(`there is no interface ${name}`);
  return found;
}

/** The program at the underlay expects Ethernet headers. @throws {FastPathError} */
export function requireEthernet(name: string): number {
  const { index, ethernet } = requireInterface(name);
  if (!ethernet) throw new FastPathError(`${name} is not an Ethernet interface`);
  return index;
}

/** @throws {FastPathError} */
export function requireOwnIpv4({ address }: Endpoint): void {
  if (address.family === 4 && address.value !== 0n) return;
  throw new FastPathError(`it needs an IPv4 address of its own, not ${address.toString()}`);
}

/**
 * The kernel refuses to look up a route for the programs where the loopback device, which stands
 * for packets of this host, does not forward. A host that does not forward at all yet is no reason:
 * `net.ipv4.ip_forward=1`, which containers need, sets it for every device.
 * @throws {FastPathError}
 */
export function requireForwarding(): void {
  const isOn = (name: string) => readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').trim() !== '0';
  if (!isOn('ip_forward') || isOn('conf/lo/forwarding')) return;
  throw new FastPathError(
    'net.ipv4.conf.lo.forwarding is 0, so that the kernel finds no routes for it; sysctl -w net.ipv4.conf.lo.forwarding=1',
  );
}

/**
 * What the fast path sends passes by the IPsec policies of this host: where there are any for
 * outgoing packets, it must not send in clear what they would encrypt.
 * @throws {FastPathError}
 */
export function requireNoIpsec(): void {
  if (countOutgoingIpsecPolicies() > 0)
    throw new FastPathError('this host has IPsec policies, which it would pass by');
}

/**
 * Numbers of capabilities(7). The loader of the programs is a program itself, whose system calls need
 * CAP_PERFMON.
 */
const CAP_NET_ADMIN = 12;
const CAP_SYS_ADMIN = 21;
const CAP_PERFMON = 38;
const CAP_BPF = 39;

/** CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON. @throws {FastPathError} */
export function requireCapabilities(): void {
  const [, effective = ''] = /^CapEff:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  const has = (capability: number) => ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n;
  const lacking = [
    ...(has(CAP_NET_ADMIN) ? [] : ['CAP_NET_ADMIN']),
    ...(has(CAP_BPF) || has(CAP_SYS_ADMIN) ? [] : ['CAP_BPF']),
    ...(has(CAP_PERFMON) || has(CAP_SYS_ADMIN) ? [] : ['CAP_PERFMON']),
  ];
  if (lacking.length > 0)
    throw new FastPathError(`it needs ${lacking.join(' and ')}, which this process lacks`);
}
