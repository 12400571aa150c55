import { GCProfiler } from 'node:v8';
import { expect, it } from 'vitest';
import {
  EthernetView,
  IcmpView,
  IpReader,
  transportChecksumState,
  UdpView,
  updateChecksum,
  VxlanView,
} from '../src/index.ts';
import { frames } from './support/frames.ts';

const PACKETS = 200_000;

it('what a view shows is the buffer itself', () => {
  const bytes = Uint8Array.from(frames.vxlanOverIpv4);
  const view = new VxlanView();
  expect(view.read(bytes, 42)).toBeUndefined();
  expect(view.bytes).toBe(bytes);
  bytes[46] = 9;
  expect(view.vni).toBe(0x09002a);
});

it('decodes and verifies packets without a byte of garbage for each', () => {
  const decode = createDecoder();
  const inputs = [frames.vxlanOverIpv4, frames.vxlanOverIpv6];
  let sum = 0;
  const run = () => {
    for (let count = 0; count < PACKETS; count++) sum += decode(inputs[count % 2]!);
  };
  // The first runs compile.
  run();
  run();
  expect(allocatedBytes(run) / PACKETS).toBeLessThan(1);
  expect(sum).toBe(3 * PACKETS * (42 + 1));
});

/** A decoder down to the inner ICMP; its views are made here, once. */
function createDecoder(): (frame: Uint8Array) => number {
  const [outer, inner] = [new EthernetView(), new EthernetView()];
  const [outerIp, innerIp] = [new IpReader(), new IpReader()];
  const [udp, vxlan] = [new UdpView(), new VxlanView()];
  const icmp = { 4: new IcmpView(4), 6: new IcmpView(6) };
  return (frame) => {
    if (outer.read(frame)) return 0;
    if (outerIp.read(frame, outer.payloadStart, outer.payloadEnd)) return 0;
    if (transportChecksumState(outerIp.packet) !== 'valid') return 0;
    if (udp.read(frame, outerIp.packet.payloadStart, outerIp.packet.payloadEnd)) return 0;
    if (vxlan.read(frame, udp.payloadStart, udp.payloadEnd)) return 0;
    if (inner.read(frame, vxlan.payloadStart, vxlan.payloadEnd)) return 0;
    if (innerIp.read(frame, inner.payloadStart, inner.payloadEnd)) return 0;
    const { packet } = innerIp;
    const echo = icmp[packet.family];
    if (echo.read(frame, packet.payloadStart, packet.payloadEnd)) return 0;
    updateChecksum(echo.checksum, echo.sequence, packet.hopLimit);
    return echo.kind === 'echo-request' ? vxlan.vni + echo.sequence : 0;
  };
}

/** Bytes of heap that a function takes, garbage that was collected meanwhile included. */
function allocatedBytes(run: () => void): number {
  using profiler = Object.assign(new GCProfiler(), { [Symbol.dispose]: () => undefined });
  profiler.start();
  let before = process.memoryUsage().heapUsed;
  run();
  const after = process.memoryUsage().heapUsed;
  let allocated = 0;
  for (const { beforeGC, afterGC } of profiler.stop().statistics) {
    allocated += beforeGC.heapStatistics.usedHeapSize - before;
    before = afterGC.heapStatistics.usedHeapSize;
  }
  return allocated + after - before;
}
