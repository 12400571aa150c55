import { createCluster, endPing, type Node } from '@flannel-ts/lab';
import { describe, expect, it } from 'vitest';

/** How a daemon ends before the next one takes its host over. */
const ENDS = ['SIGTERM', 'SIGKILL'] as const;

/** Ends the daemon of a node by a signal, starts the next one and waits until it is ready. */
async function replaceDaemon(node: Node, signal: (typeof ENDS)[number]): Promise<void> {
  node.daemon.signal(signal);
  await node.daemon.exited;
  await node.restart();
  await node.ready();
}

/** Ends and replaces both daemons of a cluster while a container pings another's. @returns the pings without an answer */
async function missedPings(type: string, signal: (typeof ENDS)[number]): Promise<readonly number[]> {
  await using cluster = await createCluster({ backend: { Type: type } });
  const nodes = [await cluster.addNode(), await cluster.addNode()] as const;
  await cluster.converged();
  const [from, to] = [await nodes[0].addContainer(), await nodes[1].addContainer()];
  const pings = from.start(['ping', '-n', '-i', '0.005', to.address]);
  await pings.line(/icmp_seq=20 /);
  for (const node of nodes) await replaceDaemon(node, signal);
  return await endPing(pings);
}

describe.each(['vxlan', 'host-gw'])('containers connected by %s', (type) => {
  it.each(ENDS)('lose no packet while every daemon is ended by %s and started again', async (signal) => {
    expect(await missedPings(type, signal)).toEqual([]);
  });
});

it.each(ENDS)(
  'containers connected by udp lose less than a second’s packets at each restart after %s',
  async (signal) => {
    // Two restarts; a second has 200 requests, 5 ms apart.
    expect((await missedPings('udp', signal)).length).toBeLessThan(2 * 200);
  },
);
