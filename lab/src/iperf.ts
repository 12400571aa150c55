import type { Namespace } from './namespace.ts';

/** Measures TCP throughput from one namespace to an address of another. @returns bits per second received. */
export async function iperf(
  from: Namespace,
  to: Namespace & { readonly address: string },
  options: {
    readonly seconds: number;
    readonly streams?: number;
    /** TCP's congestion control, of those that the kernel has (default: the machine's). */
    readonly congestion?: string;
  },
): Promise<number> {
  await using server = to.start(['iperf3', '--server', '--one-off', '--forceflush']);
  await server.line(/Server listening/);
  const { end } = await from.json<{ end: { sum_received: { bits_per_second: number } } }>(
    'iperf3',
    '--json',
    ...['--client', to.address],
    ...['--time', `${options.seconds}`, '--parallel', `${options.streams ?? 1}`],
    ...(options.congestion ? ['--congestion', options.congestion] : []),
  );
  return end.sum_received.bits_per_second;
}
