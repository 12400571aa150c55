import type { Namespace, RunningProcess } from '@flannel-ts/lab';

/** Starts an iperf3 server for one test and waits until it listens. */
export async function startIperfServer(to: Namespace): Promise<RunningProcess> {
  const server = to.start(['iperf3', '--server', '--one-off', '--forceflush']);
  await server.line(/Server listening/);
  return server;
}
