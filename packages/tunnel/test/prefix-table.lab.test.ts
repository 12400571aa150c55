import { parsePrefix } from '@flannel-ts/ip';
import { bpfCalls } from '@flannel-ts/native';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { port, route } from './support/overlay.ts';
import { udpPacket } from './support/packets.ts';
import { loadPrograms, peerAddress, verdict, type LoadedPrograms } from './support/programs.ts';

let programs: LoadedPrograms;
beforeEach(async () => {
  programs = await loadPrograms();
  const neighbour = ['lladdr', '02:00:00:00:00:09', 'dev', 'eth0'];
  await programs.namespace.run('ip', 'neigh', 'add', peerAddress, ...neighbour);
});
afterEach(() => programs[Symbol.asyncDispose]());

/** See transmit-program.lab.test.ts about the source. */
const payload = Buffer.alloc(100, 'payload');
const packet = udpPacket({ source: '8.0.1.2', destination: '10.5.2.9', payload });
const send = () => programs.run('flannel_tx', packet).verdict;
const sent = () => programs.table.traffic().of(parsePrefix('10.5.2.0/24')).sent.packets;
const total = () => programs.table.traffic().total.sent.packets;

describe('the counters of a route', () => {
  it('stay when its peer starts or ends to take fast packets', () => {
    const { table } = programs;
    table.setRoutes([route('10.5.2.0/24', peerAddress, port, true)]);
    expect(send()).toBe(verdict.redirect);
    table.setRoutes([route('10.5.2.0/24', peerAddress, port, false)]);
    expect(send()).toBe(verdict.next);
    expect(sent()).toBe(1);
    table.setRoutes([route('10.5.2.0/24', peerAddress, port, true)]);
    expect(send()).toBe(verdict.redirect);
    expect(sent()).toBe(2);
    expect(total()).toBe(2);
  });

  it('begin with zeros when it gets another peer, and only the total has the former ones', () => {
    const { table } = programs;
    table.setRoutes([route('10.5.2.0/24', peerAddress, port, true)]);
    send();
    table.updateRoutes({ add: [route('10.5.2.0/24', peerAddress, port + 1, true)], remove: [] });
    expect(sent()).toBe(0);
    send();
    table.updateRoutes({ add: [], remove: [parsePrefix('10.5.2.0/24')] });
    expect(sent()).toBe(0);
    expect(total()).toBe(2);
  });

  it('are read by a few system calls, however many routes there are', () => {
    const { table } = programs;
    const routes = Array.from({ length: 10_000 }, (_, index) =>
      route(`10.${100 + (index >> 8)}.${index & 255}.0/24`, peerAddress, port, true),
    );
    table.setRoutes(routes);
    const batches = vi.spyOn(bpfCalls(), 'bpfReadBatch');
    const reads = vi.spyOn(bpfCalls(), 'bpfReadElement');
    try {
      const traffic = table.traffic();
      for (const { destination } of routes) traffic.of(destination);
      expect(batches.mock.calls.length).toBeLessThanOrEqual(4);
      expect(reads).not.toHaveBeenCalled();
    } finally {
      vi.restoreAllMocks();
    }
  });
});
