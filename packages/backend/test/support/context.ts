import { createRecordingDevice, describeState, type RecordingDevice } from '@flannel-ts/device/testing';
import { parseAddress, parsePrefix, parseSubnetKey } from '@flannel-ts/ip';
import { parseNetworkConfig, type Json, type Lease } from '@flannel-ts/subnet';
import {
  createBackends,
  type Backend,
  type BackendContext,
  type BackendEvent,
  type DesiredState,
  type UdpOptions,
} from '../../src/index.ts';
import { createFakeTunnel, type FakeTunnel } from './fake-tunnel.ts';

/** This host: `eth0` with 192.0.2.1/24 and an MTU of 1500 bytes. */
export const underlay = {
  link: 'eth0',
  mtu: 1500,
  address: { ipv4: parseAddress('192.0.2.1') },
  onLink: [parsePrefix('192.0.2.0/24')],
  publicIp: { ipv4: parseAddress('192.0.2.1') },
};

/** What a backend is made from, without a kernel, and what it did with it. */
export interface TestContext extends BackendContext {
  readonly udp: UdpOptions;
  readonly device: RecordingDevice;
  readonly events: BackendEvent[];
  readonly tunnel: FakeTunnel;
}

export interface TestOptions extends Partial<Pick<BackendContext, 'underlay'>> {
  readonly udp?: UdpOptions;
  /** The kernel can have a fast path. @default true */
  readonly fastPath?: boolean;
  /** Other keys of the network config. */
  readonly network?: Record<string, Json>;
}

export function createContext(backend: Json, options: TestOptions = {}): TestContext {
  const { network, fastPath, udp, ...rest } = options;
  const events: BackendEvent[] = [];
  const tunnel = createFakeTunnel(fastPath === undefined ? {} : { fastPath });
  const text = JSON.stringify({ Network: '10.5.0.0/16', ...network, Backend: backend });
  return {
    device: createRecordingDevice(),
    underlay,
    onEvent: (event) => events.push(event),
    udp: { openTunnel: tunnel.open, ...udp },
    ...rest,
    config: parseNetworkConfig(text),
    events,
    tunnel,
  };
}

/** The backend that a config's `Backend` object asks for, for this host. */
export function create(backend: Json, options?: TestOptions): Promise<Backend> {
  return createIn(createContext(backend, options));
}

export function createIn(context: TestContext): Promise<Backend> {
  return createBackends(context).create(context);
}

/** The lease `10.5.NUMBER.0-24` of the host 192.0.2.NUMBER. */
export function lease(number: number, attributes: Partial<Lease['attributes']> = {}, revision = '1'): Lease {
  return {
    subnets: parseSubnetKey(`10.5.${number}.0-24`),
    attributes: { publicIp: { ipv4: parseAddress(`192.0.2.${number}`) }, ...attributes },
    expiresAt: 'unknown',
    revision,
  };
}

/** A vxlan peer's lease; its MAC address ends with its number. */
export function vxlanLease(number: number, mac = `02:00:00:00:01:0${number}`): Lease {
  return lease(number, { backendType: 'vxlan', backendData: { VNI: 1, VtepMAC: mac } });
}

/** Desired state as text: the kernel's in the words of `ip`, then the tunnel's. */
export function describeDesired(state: DesiredState | undefined): string[] | undefined {
  if (!state) return undefined;
  const local = (state.localSubnets ?? []).map(
    ({ address, prefix }) => `local ${prefix.toString()} address ${address.toString()}`,
  );
  const routes = (state.tunnelRoutes ?? []).map(
    ({ destination, peer }) =>
      `tunnel ${destination.toString()} peer ${peer.address.toString()}:${peer.port}${peer.fastPath ? ' fast' : ''}${peer.ecn ? ' ecn' : ''}${peer.sourcePorts ? ` from ${peer.sourcePorts.first}-${peer.sourcePorts.last}` : ''}`,
  );
  return [...describeState(state.host ?? {}), ...local, ...routes];
}
