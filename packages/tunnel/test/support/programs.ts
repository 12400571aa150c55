import { loadSkeleton, type Program, type TestRun, type TestRunContext } from '@flannel-ts/bpf';
import { parseInterfaceAddress } from '@flannel-ts/ip';
import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';
import { createPrefixTable, type PrefixTable } from '../../src/fast-path/prefix-table.ts';
import { skeleton } from '../../src/fast-path/programs/skeleton.ts';
import { readReasons, type FastPathReason } from '../../src/fast-path/reasons.ts';
import { encodeSettings } from '../../src/fast-path/settings.ts';
import type { PortRange } from '../../src/index.ts';
import { endpoint, port } from './overlay.ts';

/** This host of the programs, a peer with a fast path, and what they tunnel. */
export const hostAddress = '192.0.2.1';
export const peerAddress = '192.0.2.2';
export const decapsulationPort = 48_285;
export const vni = 0x123456;

/** linux/pkt_cls.h */
export const verdict = { next: -1, pass: 0, drop: 2, redirect: 7 } as const;

/** The programs of a fast path, at no interface, in a network namespace with eth0. */
export interface LoadedPrograms extends AsyncDisposable {
  readonly namespace: Namespace;
  readonly table: PrefixTable;
  run(
    name: (typeof skeleton.programs)[number],
    packet: Uint8Array,
    context?: TestRunContext,
  ): TestRun & {
    /** What the run counted. */
    readonly reasons: readonly FastPathReason[];
  };
}

let namespaces = 0;

/** @param options - `mark` is the traffic control index of checked packets; a test's packet has 0 */
export async function loadPrograms(
  options: { readonly mark?: number; readonly inheritTos?: boolean; readonly sourcePorts?: PortRange } = {},
): Promise<LoadedPrograms> {
  await using stack = new AsyncDisposableStack();
  const namespace = stack.use(await createNamespace(`ftlab-${process.pid}-programs${++namespaces}`));
  await namespace.run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
  await namespace.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  await namespace.run('ip', 'address', 'add', `${hostAddress}/24`, 'dev', 'eth0');
  for (const link of ['eth0', 'eth1']) await namespace.run('ip', 'link', 'set', link, 'up');
  const local = endpoint(hostAddress, port);
  const { mark = 0, inheritTos = false, sourcePorts } = options;
  const settings = encodeSettings({
    ...{ local, decapsulationPort, tunIndex: 1, inheritTos, sourcePorts },
    mark: { index: mark, vni },
  });
  const { maps, programs } = stack.use(loadSkeleton(skeleton, settings));
  const table = createPrefixTable(maps);
  table.setLocalSubnets([parseInterfaceAddress('10.5.1.0/24')]);
  const counted = () =>
    Object.entries(readReasons(maps.flannel_reasons)) as [FastPathReason, { packets: number }][];
  const all = stack.move();
  return {
    namespace,
    table,
    run(name, packet, context) {
      const program: Program = programs[name];
      const before = counted();
      const run = inNamespace(namespace.path, () => program.testRun(packet, context));
      const after = counted();
      const more = after.flatMap(([reason, { packets }], index) =>
        Array.from({ length: packets - before[index]![1].packets }, () => reason),
      );
      return { ...run, reasons: more };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
