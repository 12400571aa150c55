import { missingTcx } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachedPrograms, detachProgram, type Direction } from '../src/index.ts';
import { createHosts, type Host, type Hosts } from './support/hosts.ts';
import { loadPingCounter, verdict, type PingCounter } from './support/ping-counter.ts';

const noTcx = await missingTcx();
const detachScript = fileURLToPath(new URL('support/detach.ts', import.meta.url));

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

/** Expects a count of what nobody answers, so that nothing tells when it has arrived. */
const expectCount = (counter: PingCounter, packets: number) =>
  expect.poll(() => counter.counted().packets, { timeout: 5_000 }).toBe(packets);

describe.skipIf(noTcx)('a program at an interface', () => {
  it.for<[name: 'near' | 'far', direction: Direction]>([
    ['near', 'egress'],
    ['far', 'ingress'],
  ])('of the %s host sees what goes through at its %s', async ([name, direction]) => {
    using counter = loadPingCounter(verdict.pass, verdict.pass);
    const { program } = counter;
    using _ = hosts[name].attach(program, direction);
    await ping('-c', '3', '-i', '0.01', '-s', '100', '192.0.2.2');
    const headers = 14 + 20 + 8;
    // The answer to one is enough for ping, which hardly waits for the others then.
    await expect.poll(() => counter.counted()).toEqual({ packets: 3, bytes: 3 * (headers + 100) });
  });

  it.for<[name: 'near' | 'far', direction: Direction]>([
    ['near', 'ingress'],
    ['far', 'egress'],
  ])('of the %s host does not see at its %s what goes the other way', async ([name, direction]) => {
    using counter = loadPingCounter(verdict.drop, verdict.pass);
    const { program } = counter;
    using _ = hosts[name].attach(program, direction);
    await ping('192.0.2.2');
    expect(counter.counted()).toEqual({ packets: 0, bytes: 0 });
  });

  it.for<Direction>(['ingress', 'egress'])(
    'drops what it decides to at the %s, until it is detached',
    async (direction) => {
      using counter = loadPingCounter(verdict.drop, verdict.pass);
      const { program } = counter;
      const attachment = (direction === 'ingress' ? far : near).attach(program, direction);
      await pingInVain();
      await expectCount(counter, 1);
      await ping('2001:db8::2');
      attachment[Symbol.dispose]();
      await ping('192.0.2.2');
      expect(counter.counted().packets).toBe(1);
    },
  );

  it('goes on without its object and that of its map, until it is detached', async () => {
    const counter = loadPingCounter(verdict.drop, verdict.pass);
    const { program } = counter;
    using attachment = far.attach(program, 'ingress');
    counter[Symbol.dispose]();
    await pingInVain();
    attachment[Symbol.dispose]();
    await ping('192.0.2.2');
  });

  it('runs behind those that are there already, unless one of them decides', async () => {
    using drop = loadPingCounter(verdict.drop, verdict.next);
    using pass = loadPingCounter(verdict.pass, verdict.pass);
    using next = loadPingCounter(verdict.next, verdict.next);
    {
      using _first = far.attach(pass.program, 'ingress');
      using _second = far.attach(drop.program, 'ingress');
      await ping('192.0.2.2');
      expect(drop.counted().packets).toBe(0);
    }
    {
      using _first = far.attach(next.program, 'ingress');
      using _second = far.attach(drop.program, 'ingress');
      using _third = far.attach(pass.program, 'ingress');
      await pingInVain();
      await expectCount(drop, 1);
    }
  });

  it('runs at several places, each with an attachment of its own', async () => {
    using counter = loadPingCounter(verdict.next, verdict.next);
    const { program } = counter;
    using _egress = near.attach(program, 'egress');
    {
      using _ingress = far.attach(program, 'ingress');
      await ping('192.0.2.2');
      expect(counter.counted().packets).toBe(2);
    }
    await ping('192.0.2.2');
    expect(counter.counted().packets).toBe(3);
  });

  it('stays when the attachment that had its number before is disposed of again', async () => {
    using pass = loadPingCounter(verdict.pass, verdict.pass);
    const former = far.attach(pass.program, 'ingress');
    former[Symbol.dispose]();
    using counter = loadPingCounter(verdict.pass, verdict.pass);
    using _ = far.attach(counter.program, 'ingress');
    former[Symbol.dispose]();
    await ping('192.0.2.2');
    expect(counter.counted().packets).toBe(1);
  });

  it('goes on without its object and an attachment when it is attached for good', async () => {
    // The interface cannot get rid of it.
    await using own = await createHosts();
    const counter = loadPingCounter(verdict.drop, verdict.pass);
    const { program } = counter;
    await own.near.namespace.run('ping', '-n', '-c', '1', '-W', '5', '192.0.2.2');
    own.far.attachForGood(program, 'ingress');
    await pingInVain(own.near);
    await expectCount(counter, 1);
    counter[Symbol.dispose]();
    await pingInVain(own.near);
  });

  it.for<Direction>(['ingress', 'egress'])(
    'at the %s that was attached for good is found and detached by its id, and takes another’s place',
    async (direction) => {
      await using own = await createHosts();
      const host = direction === 'ingress' ? own.far : own.near;
      const there = () => host.run((index) => attachedPrograms(index, direction));
      const detach = (id: number) => host.run((index) => detachProgram(index, direction, id));
      expect(there()).toEqual([]);
      using other = loadPingCounter(verdict.next, verdict.next);
      using former = loadPingCounter(verdict.drop, verdict.pass);
      using last = loadPingCounter(verdict.next, verdict.next);
      using successor = loadPingCounter(verdict.pass, verdict.pass);
      using _other = host.attach(other.program, direction);
      for (const { program } of [former, last]) host.attachForGood(program, direction);
      const [first, second, third, next] = [other, former, last, successor].map(({ program }) => program.id);
      expect(there()).toEqual([first, second, third]);
      await pingInVain(own.near);

      host.attachForGood(successor.program, direction, { before: second });
      expect(there()).toEqual([first, next, second, third]);
      await own.near.namespace.run('ping', '-n', '-c', '1', '-W', '5', '192.0.2.2');
      detach(second!);
      expect(there()).toEqual([first, next, third]);
      detach(second!);
      detach(third!);
      expect(() => detach(first!)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
      detach(next!);
      expect(there()).toEqual([first]);
      expect(() => attachedPrograms(0x7fffffff, direction)).toThrow(
        expect.objectContaining({ code: 'ENODEV', syscall: 'bpf BPF_PROG_QUERY' }),
      );
    },
  );

  it('is detached by a process without CAP_SYS_ADMIN', async () => {
    await using own = await createHosts();
    using counter = loadPingCounter(verdict.drop, verdict.drop);
    own.far.attachForGood(counter.program, 'ingress');
    const { id } = counter.program;
    const limited = ['setpriv', '--bounding-set=-all,+net_admin,+bpf'];
    const node = [process.execPath, '--conditions=@flannel-ts/source', detachScript];
    await own.far.namespace.run(...limited, ...node, `${own.far.index}`, `${id}`);
    expect(own.far.run((index) => attachedPrograms(index, 'ingress'))).toEqual([]);
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
    using counter = loadPingCounter(verdict.pass, verdict.pass);
    const { program } = counter;
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
    using counter = loadPingCounter(verdict.pass, verdict.pass);
    const { program } = counter;
    for (const index of [0, 0x7fffffff, -1]) {
      expect(() => inNamespace(far.namespace.path, () => program[attach](index, 'ingress'))).toThrow(
        expect.objectContaining({ code: 'ENODEV', syscall }),
      );
    }
  });

  it.for(ways)('cannot be attached once it is disposed of: %s', ([attach, syscall]) => {
    const counter = loadPingCounter(verdict.pass, verdict.pass);
    const { program } = counter;
    counter[Symbol.dispose]();
    expect(() => far[attach](program, 'ingress')).toThrow(
      expect.objectContaining({ code: 'EBADF', syscall }),
    );
  });
});
