/** A network config of the suite, and what is expected of a host that follows it. */
export interface NetworkChoice {
  readonly name: string;
  /** The text's object at `/coreos.com/network/config`. */
  readonly config: {
    readonly Network: string;
    readonly EnableNFTables?: boolean;
    readonly Backend: { readonly Type: string; readonly VNI?: number; readonly DirectRouting?: boolean };
  };
  /** Name of the overlay's device, if the backend has one. */
  readonly device?: string;
  /** Bytes by which the overlay's MTU is below the underlay's. */
  readonly overhead: number;
}

const NETWORK = '10.5.0.0/16';

/** The first one is what a run begins with. */
export const NETWORKS: readonly NetworkChoice[] = [
  vxlan('vxlan', { VNI: 1 }),
  vxlan('vxlan, VNI 7', { VNI: 7 }),
  vxlan('vxlan, direct routing', { VNI: 1, DirectRouting: true }),
  { ...vxlan('vxlan, nftables', { VNI: 1 }, { EnableNFTables: true }) },
  vxlan('vxlan, another network', { VNI: 1 }, { Network: '10.6.0.0/16' }),
  { name: 'host-gw', config: { Network: NETWORK, Backend: { Type: 'host-gw' } }, overhead: 0 },
  {
    name: 'udp',
    config: { Network: NETWORK, Backend: { Type: 'udp' } },
    device: 'flannel0',
    overhead: 28,
  },
];

function vxlan(
  name: string,
  options: { readonly VNI: number; readonly DirectRouting?: boolean },
  rest: { readonly Network?: string; readonly EnableNFTables?: boolean } = {},
): NetworkChoice {
  return {
    name,
    config: { Network: NETWORK, ...rest, Backend: { Type: 'vxlan', ...options } },
    device: `flannel.${options.VNI}`,
    overhead: 50,
  };
}
