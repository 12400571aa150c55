import type { Host, Lab } from '@flannel-ts/lab';
import { openSocket } from './packets.ts';
import { endpoint, port } from './overlay.ts';
import type { Endpoint } from '../../src/index.ts';

/** What a path does to datagrams; shares of all of them, 0 to 1. */
export interface Disturbance {
  readonly loss: number;
  readonly reorder: number;
}

/** Passes datagrams between two hosts, loses some, and puts others behind those that follow. */
export interface Relay extends Disposable {
  /** Where each host finds the other one. */
  readonly endpoints: readonly [Endpoint, Endpoint];
  readonly disturbed: { lost: number; reordered: number };
}

export function startRelay(lab: Lab, hosts: readonly [Host, Host], { loss, reorder }: Disturbance): Relay {
  const sockets = [9001, 9002].map((relayPort) =>
    openSocket(lab.underlay.path, lab.underlayAddress, relayPort),
  );
  const disturbed = { lost: 0, reordered: 0 };
  const random = randomShares();
  for (const [side, socket] of sockets.entries()) {
    const other = 1 - side;
    const send = (data: Buffer) => sockets[other]!.send(data, port, hosts[other]!.address);
    let held: Buffer[] = [];
    socket.onMessage((data) => {
      const share = random();
      if (share < loss) {
        disturbed.lost++;
      } else if (share < loss + reorder) {
        disturbed.reordered++;
        held.push(data);
        setTimeout(flush, 2);
      } else {
        send(data);
        if (held.length > 3) flush();
      }
    });
    const flush = () => {
      held.reverse().forEach(send);
      held = [];
    };
  }
  return {
    endpoints: [endpoint(lab.underlayAddress, 9001), endpoint(lab.underlayAddress, 9002)],
    disturbed,
    [Symbol.dispose]: () => sockets.forEach((socket) => socket[Symbol.dispose]()),
  };
}

/** Numbers from 0 to 1, the same in every run (a linear congruential generator). */
function randomShares(): () => number {
  let state = 1;
  return () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
}
