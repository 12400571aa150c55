import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { udpPacket } from './support/packets.ts';
import { loadPrograms, verdict, type LoadedPrograms } from './support/programs.ts';

const packet = (ttl: number) =>
  Buffer.concat([
    ...[Buffer.from('0200000000010200000000020800', 'hex')],
    ...[udpPacket({ source: '10.5.2.9', destination: '10.5.1.9', ttl })],
  ]);

describe('the deliver program', () => {
  let programs: LoadedPrograms;
  beforeAll(async () => {
    programs = await loadPrograms();
  });
  afterAll(() => programs[Symbol.asyncDispose]());

  it('moves a marked packet to the TUN device, with a TTL that is one less', () => {
    const { verdict: result, packet: moved, reasons } = programs.run('flannel_deliver', packet(64));
    expect(result).toBe(verdict.redirect);
    expect(reasons).toEqual([]);
    expect(Buffer.from(moved)).toEqual(packet(63));
  });

  it('drops a packet that ends in its header, and counts it', () => {
    const short = packet(64).subarray(0, 24);
    // The kernel refuses to test with IPv4 that is this short.
    short.writeUInt16BE(0x88b5, 12);
    const run = programs.run('flannel_deliver', short);
    expect(run).toMatchObject({ verdict: verdict.drop, reasons: ['deliverMalformed'] });
  });

  it('drops a packet without the mark, and counts it', async () => {
    await using marking = await loadPrograms({ mark: 0x1234 });
    const run = marking.run('flannel_deliver', packet(64));
    expect(run).toMatchObject({ verdict: verdict.drop, reasons: ['deliverUnmarked'] });
  });
});
