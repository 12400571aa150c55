import { missingTcx } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  divide,
  exit,
  jump,
  label,
  load,
  loadProgram,
  move,
  ProgramError,
  register,
  skb,
  store,
  verdict,
  type BpfMap,
  type Code,
  type Direction,
} from '../src/index.ts';
import { createHosts, type Host, type Hosts } from './support/hosts.ts';
import { countPings, createEntry, IPV4, readEntry, recordFields } from './support/programs.ts';

const LICENSE = 'Dual MIT/GPL';
const noTcx = await missingTcx();
const passAll = [move(0, verdict.pass), exit];

let hosts: Hosts;
let near: Host;
let far: Host;
beforeAll(async () => {
  hosts = await createHosts();
  ({ near, far } = hosts);
});
afterAll(() => hosts[Symbol.asyncDispose]());

const ping = (...options: string[]) => near.namespace.run('ping', '-n', '-c', '1', '-W', '5', ...options);
/** A ping that nobody answers. */
const pingInVain = (from = near) =>
  expect(from.namespace.run('ping', '-n', '-c', '1', '-W', '0.2', '192.0.2.2')).rejects.toMatchObject({
    exitCode: 1,
  });

function counted(counters: BpfMap): { packets: number; bytes: number } {
  const entry = readEntry(counters);
  return { packets: Number(entry.getBigUint64(0, true)), bytes: Number(entry.getBigUint64(8, true)) };
}

/** Expects a count of what nobody answers, so that nothing tells when it has arrived. */
const expectCount = (counters: BpfMap, packets: number) =>
  expect.poll(() => counted(counters).packets, { timeout: 5_000 }).toBe(packets);

describe('a program that the verifier refuses', () => {
  function refusal(code: Code, license = LICENSE): ProgramError {
    try {
      loadProgram(code, license)[Symbol.dispose]();
    } catch (error) {
      if (error instanceof ProgramError) return error;
      throw error;
    }
    return expect.unreachable();
  }

  it('is a ProgramError with the reason, the log and the error of the system call', () => {
    const error = refusal([load(32, 2, 1, 7), move(0, 0), exit]);
    expect(error.message).toBe(
      'the kernel refuses the program: EACCES: invalid bpf_context access off=7 size=4',
    );
    expect(error.log).toMatch(/^0: \(61\) r2 = \*\(u32 \*\)\(r1 \+7\)$/m);
    expect(error.cause).toMatchObject({ errno: 13, code: 'EACCES', syscall: 'bpf BPF_PROG_LOAD' });
  });

  it.for<[reason: string, code: Code]>([
    ['EACCES: R0 !read_ok', [exit]],
    ['EINVAL: last insn is not an exit or jmp', [move(0, 0)]],
    ['EINVAL: unreachable insn 2', [move(0, 0), label('forever'), jump('forever'), exit]],
    ['EINVAL: div by zero', [move(0, 1), divide(0, 0), exit]],
    ['EACCES: frame pointer is read only', [move(10, 0), exit]],
  ])('has its reason in the message: %s', ([reason, code]) => {
    expect(refusal(code).message).toBe(`the kernel refuses the program: ${reason}`);
  });

  it('may be one whose license does not fit a helper', () => {
    const printk = 6;
    const code = [store(8, 10, -1, 0), move(1, register(10)), move(2, 1), call(printk), exit];
    expect(refusal(code, 'Proprietary').message).toContain('EINVAL: cannot call GPL-restricted function');
  });
});

it('a program without instructions is a SystemError: the verifier does not see it', () => {
  expect(() => loadProgram([], LICENSE)).toThrow(
    expect.objectContaining({ name: 'Error', code: 'E2BIG', syscall: 'bpf BPF_PROG_LOAD' }),
  );
});

it('a program that cannot be assembled is a RangeError', () => {
  expect(() => loadProgram([jump('nowhere'), exit], LICENSE)).toThrow(RangeError);
});

describe.skipIf(noTcx)('a program at an interface', () => {
  it.for<[name: 'near' | 'far', direction: Direction]>([
    ['near', 'egress'],
    ['far', 'ingress'],
  ])('of the %s host sees what goes through at its %s', async ([name, direction]) => {
    using counters = createEntry(16);
    using program = loadProgram(countPings(counters, verdict.pass, verdict.pass), LICENSE);
    using _ = hosts[name].attach(program, direction);
    await ping('-c', '3', '-i', '0.01', '-s', '100', '192.0.2.2');
    const headers = 14 + 20 + 8;
    // The answer to one is enough for ping, which hardly waits for the others then.
    await expect.poll(() => counted(counters)).toEqual({ packets: 3, bytes: 3 * (headers + 100) });
  });

  it.for<[name: 'near' | 'far', direction: Direction]>([
    ['near', 'ingress'],
    ['far', 'egress'],
  ])('of the %s host does not see at its %s what goes the other way', async ([name, direction]) => {
    using counters = createEntry(16);
    using program = loadProgram(countPings(counters, verdict.drop, verdict.pass), LICENSE);
    using _ = hosts[name].attach(program, direction);
    await ping('192.0.2.2');
    expect(counted(counters)).toEqual({ packets: 0, bytes: 0 });
  });

  it.for<Direction>(['ingress', 'egress'])(
    'drops what it decides to at the %s, until it is detached',
    async (direction) => {
      using counters = createEntry(16);
      using program = loadProgram(countPings(counters, verdict.drop, verdict.pass), LICENSE);
      const attachment = (direction === 'ingress' ? far : near).attach(program, direction);
      await pingInVain();
      await expectCount(counters, 1);
      await ping('2001:db8::2');
      attachment[Symbol.dispose]();
      await ping('192.0.2.2');
      expect(counted(counters).packets).toBe(1);
    },
  );

  it('goes on without its object and that of its map, until it is detached', async () => {
    const counters = createEntry(16);
    const program = loadProgram(countPings(counters, verdict.drop, verdict.pass), LICENSE);
    using attachment = far.attach(program, 'ingress');
    program[Symbol.dispose]();
    counters[Symbol.dispose]();
    await pingInVain();
    attachment[Symbol.dispose]();
    await ping('192.0.2.2');
  });

  it('runs behind those that are there already, unless one of them decides', async () => {
    using counters = createEntry(16);
    using drop = loadProgram(countPings(counters, verdict.drop, verdict.next), LICENSE);
    using pass = loadProgram(passAll, LICENSE);
    using next = loadProgram([move(0, verdict.next), exit], LICENSE);
    {
      using _first = far.attach(pass, 'ingress');
      using _second = far.attach(drop, 'ingress');
      await ping('192.0.2.2');
      expect(counted(counters).packets).toBe(0);
    }
    {
      using _first = far.attach(next, 'ingress');
      using _second = far.attach(drop, 'ingress');
      using _third = far.attach(pass, 'ingress');
      await pingInVain();
      await expectCount(counters, 1);
    }
  });

  it('runs at several places, each with an attachment of its own', async () => {
    using counters = createEntry(16);
    using program = loadProgram(countPings(counters, verdict.next, verdict.next), LICENSE);
    using _egress = near.attach(program, 'egress');
    {
      using _ingress = far.attach(program, 'ingress');
      await ping('192.0.2.2');
      expect(counted(counters).packets).toBe(2);
    }
    await ping('192.0.2.2');
    expect(counted(counters).packets).toBe(3);
  });

  it('stays when the attachment that had its number before is disposed of again', async () => {
    using program = loadProgram(passAll, LICENSE);
    const former = far.attach(program, 'ingress');
    former[Symbol.dispose]();
    using counters = createEntry(16);
    using counting = loadProgram(countPings(counters, verdict.pass, verdict.pass), LICENSE);
    using _ = far.attach(counting, 'ingress');
    former[Symbol.dispose]();
    await ping('192.0.2.2');
    expect(counted(counters).packets).toBe(1);
  });

  it('goes on without its object and an attachment when it is attached for good', async () => {
    // The interface cannot get rid of it.
    await using own = await createHosts();
    const counters = createEntry(16);
    const program = loadProgram(countPings(counters, verdict.drop, verdict.pass), LICENSE);
    await own.near.namespace.run('ping', '-n', '-c', '1', '-W', '5', '192.0.2.2');
    own.far.attachForGood(program, 'ingress');
    await pingInVain(own.near);
    await expectCount(counters, 1);
    program[Symbol.dispose]();
    counters[Symbol.dispose]();
    await pingInVain(own.near);
  });

  describe('of a process that is killed', () => {
    const script = fileURLToPath(new URL('support/attach-and-die.ts', import.meta.url));

    async function attachAndDie(host: Host, way: 'attach' | 'attachForGood'): Promise<void> {
      const node = [process.execPath, '--conditions=@flannel-ts/source'];
      await using child = host.namespace.start([...node, script, `${host.index}`, way]);
      expect(await child.exited).toBe('SIGKILL');
      expect(child.lines).toEqual(['attached']);
    }

    it('ends with it', async () => {
      await attachAndDie(far, 'attach');
      await ping('192.0.2.2');
    });

    it('goes on when it is attached for good', async () => {
      await using own = await createHosts();
      await attachAndDie(own.far, 'attachForGood');
      await pingInVain(own.near);
    });
  });

  it('cannot be attached twice at one place', async () => {
    await using own = await createHosts();
    using program = loadProgram(passAll, LICENSE);
    const twice = { code: 'EEXIST', syscall: 'bpf BPF_LINK_CREATE' };
    const twiceForGood = { code: 'EEXIST', syscall: 'bpf BPF_PROG_ATTACH' };
    using _ = own.far.attach(program, 'ingress');
    expect(() => own.far.attach(program, 'ingress')).toThrow(expect.objectContaining(twice));
    expect(() => own.far.attachForGood(program, 'ingress')).toThrow(expect.objectContaining(twiceForGood));
  });

  const ways = [
    ['attach', 'bpf BPF_LINK_CREATE'],
    ['attachForGood', 'bpf BPF_PROG_ATTACH'],
  ] as const;

  it.for(ways)('cannot be attached where there is no interface: %s', ([attach, syscall]) => {
    using program = loadProgram(passAll, LICENSE);
    for (const index of [0, 0x7fffffff, -1]) {
      expect(() => inNamespace(far.namespace.path, () => program[attach](index, 'ingress'))).toThrow(
        expect.objectContaining({ code: 'ENODEV', syscall }),
      );
    }
  });

  it.for(ways)('cannot be attached once it is disposed of: %s', ([attach, syscall]) => {
    const program = loadProgram(passAll, LICENSE);
    program[Symbol.dispose]();
    expect(() => far[attach](program, 'ingress')).toThrow(
      expect.objectContaining({ code: 'EBADF', syscall }),
    );
  });
});

type Fields = Record<keyof typeof skb, number>;
const fieldNames = Object.keys(skb) as (keyof typeof skb)[];

describe.skipIf(noTcx)('the context of a program', () => {
  /** Expects what a program at the far host finds there of the one IPv4 packet that `send` causes to arrive. */
  async function expectFields(send: () => Promise<unknown>, expected: Partial<Fields>): Promise<void> {
    using entry = createEntry(4 * fieldNames.length);
    using program = loadProgram(recordFields(entry, Object.values(skb)), LICENSE);
    using _ = far.attach(program, 'ingress');
    await send();
    const read = () => {
      const view = readEntry(entry);
      return Object.fromEntries(fieldNames.map((name, index) => [name, view.getUint32(4 * index, true)]));
    };
    await expect.poll(read, { timeout: 5_000 }).toMatchObject(expected);
  }

  const plain = { pktType: 0, protocol: IPV4, vlanPresent: 0, tcIndex: 0, gsoSize: 0 };

  it('tells the length with the link header, and the protocol', async () => {
    await expectFields(() => ping('-s', '100', '192.0.2.2'), {
      ...{ ...plain, len: 14 + 20 + 8 + 100 },
    });
  });

  it('tells that a packet is for another host', async () => {
    const elsewhere = '02:00:00:00:00:99';
    const otherHost = 3;
    await near.namespace.run('ip', 'neigh', 'add', '192.0.2.9', 'lladdr', elsewhere, 'dev', 'eth0');
    const send = () => near.namespace.run('bash', '-c', 'echo > /dev/udp/192.0.2.9/9');
    await expectFields(send, { ...plain, pktType: otherHost });
  });

  it('tells of segments that are still together', async () => {
    const send = `
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_UDP, 103, 1000)  # UDP_SEGMENT
sender.sendto(bytes(2500), ("192.0.2.2", 9))`;
    await expectFields(() => near.namespace.run('python3', '-c', send), {
      ...{ ...plain, len: 14 + 20 + 8 + 2500, gsoSize: 1000 },
    });
  });

  it('tells of a VLAN tag, and that a packet is for everyone', async () => {
    const send = `
import socket
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind(("eth0", 0))
sender.send(bytes.fromhex("ffffffffffff 020000000001 8100 0005 0800") + bytes(100))`;
    const everyone = 1;
    await expectFields(() => near.namespace.run('python3', '-c', send), {
      ...{ ...plain, pktType: everyone, vlanPresent: 1 },
    });
  });

  it('takes a class that becomes the index of a packet that passes', async () => {
    const classify = [store(32, 1, skb.tcClassid, 0x1234), move(0, verdict.pass), exit];
    using program = loadProgram(classify, LICENSE);
    using _ = near.attach(program, 'egress');
    await expectFields(() => ping('192.0.2.2'), { ...plain, tcIndex: 0x1234 });
  });
});
