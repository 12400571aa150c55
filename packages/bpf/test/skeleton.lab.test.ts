import { readFileSync } from 'node:fs';
import { run } from '@flannel-ts/lab';
import { describe, expect, it } from 'vitest';
import { loadSkeleton, ProgramError } from '../src/index.ts';
import { skeleton } from './programs/skeleton.ts';
import { skeleton as refused } from './refused/skeleton.ts';
import { loadPingCounter, verdict } from './support/ping-counter.ts';

describe('a program that the verifier refuses', () => {
  function refusal(): ProgramError {
    try {
      loadSkeleton(refused)[Symbol.dispose]();
    } catch (error) {
      if (error instanceof ProgramError) return error;
      throw error;
    }
    return expect.unreachable();
  }

  it('is a ProgramError with the reason and the line of C', () => {
    const { message, cause } = refusal();
    expect(message).toMatch(
      /^the kernel refuses the program: EACCES: R0 invalid mem access 'map_value_or_null' at "return \*count;/,
    );
    expect(cause).toMatchObject({ errno: 13, code: 'EACCES', syscall: 'bpf BPF_PROG_LOAD' });
  });

  it('has the verifier’s log, with the lines of C before their instructions', () => {
    expect(refusal().log).toMatch(/^; __u32 key = skb->len;.*\n\d+: \(61\) r1 = \*\(u32 \*\)\(r1 \+0\)/m);
  });

  it('leaves no map behind', async () => {
    refusal();
    expect(await run(['bpftool', 'map'])).not.toContain('test_refused');
  });
});

describe('what a skeleton becomes', () => {
  /** The kernel's number of a program or a map of this process. */
  const idOf = (descriptor: number) =>
    /^(?:prog|map)_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))![1]!;
  const show = (what: 'prog' | 'map', id: string) => run(['bpftool', what, 'show', 'id', id]);

  it('has its names, as bpftool shows them', async () => {
    using loaded = loadSkeleton(skeleton);
    for (const [name, { descriptor }] of Object.entries(loaded.programs))
      expect(await show('prog', idOf(descriptor))).toContain(`sched_cls  name ${name}  `);
    for (const [name, { descriptor }] of Object.entries(loaded.maps))
      expect(await show('map', idOf(descriptor))).toContain(
        `name ${name.replace('rodata', 'test.rodata')}  `,
      );
  });

  it('ends when it is disposed of', async () => {
    const loaded = loadSkeleton(skeleton);
    const program = idOf(loaded.programs.count_pings.descriptor);
    const map = idOf(loaded.maps.test_counted.descriptor);
    await Promise.all([show('prog', program), show('map', map)]);
    loaded[Symbol.dispose]();
    await expect.poll(() => show('prog', program).catch(String)).toMatch(/No such file or directory/);
    await expect.poll(() => show('map', map).catch(String)).toMatch(/No such file or directory/);
  });
});

describe('a test run', () => {
  const packet = Buffer.alloc(98);
  packet.writeUInt16BE(0x0800, 12);
  packet.set([0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1], 14);
  packet[34] = 8;

  it('returns the verdict, and the packet as the program left it', () => {
    using counter = loadPingCounter(verdict.drop, verdict.next);
    const dropped = counter.program.testRun(packet);
    expect(dropped.verdict).toBe(verdict.drop);
    const marked = Buffer.from(packet);
    marked[14 + 8] = 1;
    expect(Buffer.from(dropped.packet)).toEqual(marked);
    expect(counter.counted()).toEqual({ packets: 1, bytes: 98 });
    expect(counter.program.testRun(new Uint8Array(98))).toEqual({
      ...{ verdict: verdict.next, packet: new Uint8Array(98) },
    });
  });

  it('refuses a packet without an Ethernet header', () => {
    using loaded = loadSkeleton(skeleton);
    expect(() => loaded.programs.count_pings.testRun(new Uint8Array(13))).toThrow(
      expect.objectContaining({ code: 'EINVAL', syscall: 'bpf BPF_PROG_TEST_RUN' }),
    );
  });
});
