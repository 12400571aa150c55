import { readFileSync } from 'node:fs';
import { bpfCalls, openNetlinkExchange } from '@flannel-ts/native';
import type { Endpoint } from '../tunnel.ts';
import { FastPathError } from './errors.ts';

const ARPHRD_ETHER = 1;

/** @throws {FastPathError} */
export function requireInterface(name: string): { readonly index: number; readonly type: number } {
  const found = bpfCalls().findInterface(name);
  if (!found) throw new FastPathError(`there is no interface ${name}`);
  return found;
}

/** The program at the underlay expects Ethernet headers. @throws {FastPathError} */
export function requireEthernet(name: string): number {
  const { index, type } = requireInterface(name);
  if (type !== ARPHRD_ETHER) throw new FastPathError(`${name} is not an Ethernet interface`);
  return index;
}

/** @throws {FastPathError} */
export function requireOwnIpv4({ address }: Endpoint): void {
  if (address.family === 4 && address.value !== 0n) return;
  throw new FastPathError(`it needs an IPv4 address of its own, not ${address.toString()}`);
}

/**
 * The kernel refuses to look up a route for the programs where the loopback device, which stands for packets of this host, does
 * not forward. A host that does not forward at all yet is no reason: `net.ipv4.ip_forward=1`, which containers need, sets it for
 * every device.
 * @throws {FastPathError}
 */
export function requireForwarding(): void {
  const isOn = (name: string) => readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').trim() !== '0';
  if (!isOn('ip_forward') || isOn('conf/lo/forwarding')) return;
  throw new FastPathError(
    'net.ipv4.conf.lo.forwarding is 0, so that the kernel finds no routes for it; sysctl -w net.ipv4.conf.lo.forwarding=1',
  );
}

/** linux/netlink.h, linux/xfrm.h */
const NETLINK_XFRM = 6;
const XFRM_MSG_NEWSPDINFO = 0x24;
const XFRM_MSG_GETSPDINFO = 0x25;
const NLM_F_REQUEST = 1;
/** struct nlmsghdr and flags. */
const REQUEST_BYTES = 16 + 4;
/** Behind them an attribute with struct xfrmu_spdinfo, whose second 32-bit number counts policies for outgoing packets. */
const OUTGOING_POLICIES = REQUEST_BYTES + 4 + 4;

/**
 * What the fast path sends passes by the IPsec policies of this host: where there are any for outgoing packets, it must not
 * send in clear what they would encrypt.
 * @throws {FastPathError}
 */
export function requireNoIpsec(): void {
  const request = new DataView(new ArrayBuffer(REQUEST_BYTES));
  request.setUint32(0, REQUEST_BYTES, true);
  request.setUint16(4, XFRM_MSG_GETSPDINFO, true);
  request.setUint16(6, NLM_F_REQUEST, true);
  const answer = askXfrm(new Uint8Array(request.buffer));
  // Another message is the error of a kernel without IPsec.
  if (!answer || answer.getUint16(4, true) !== XFRM_MSG_NEWSPDINFO) return;
  if (answer.getUint32(OUTGOING_POLICIES, true) > 0)
    throw new FastPathError('this host has IPsec policies, which it would pass by');
}

function askXfrm(request: Uint8Array): DataView | undefined {
  try {
    using port = openNetlinkExchange(NETLINK_XFRM);
    const { buffer, byteOffset, length } = port.exchange(request);
    return new DataView(buffer, byteOffset, length);
  } catch (error) {
    // A kernel without IPsec has no such sockets.
    if ((error as { code?: string }).code === 'EPROTONOSUPPORT') return undefined;
    throw error;
  }
}
