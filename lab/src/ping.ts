import { setTimeout as delay } from 'node:timers/promises';
import type { RunningProcess } from './command.ts';
import type { Namespace } from './namespace.ts';

/** How long answers may take after the last request. */
const PATIENCE_MS = 5_000;
const POLL_MS = 20;
/** By how many other answers one may be late. */
const LATE = 50;

export interface PingOptions {
  /** Number of requests. */
  readonly count: number;
  /** Seconds between requests. @default 0.01 */
  readonly interval?: number;
  /** More options of ping(8). @default [] */
  readonly options?: readonly string[];
}

/**
 * Sends ICMP echo requests and returns how many answers arrive, late ones included. ping itself, once an answer has
 * come, waits for the others no longer than twice the longest round trip: a slow one seems lost on a busy machine.
 * @throws {CommandError} when ping cannot send
 */
export async function countAnswers(
  from: Namespace,
  to: string,
  { count, interval = 0.01, options = [] }: PingOptions,
): Promise<number> {
  const echoReplies = () => icmpCounter((...command) => from.run(...command), 'InEchoReps');
  const before = await echoReplies();
  const ping = ['ping', '-n', '-q', '-c', `${count}`, '-i', `${interval}`, ...options, to];
  // 1 is a missing answer.
  await from.run('sh', '-c', '"$@" || [ $? = 1 ]', 'sh', ...ping);
  const patient = Date.now() + PATIENCE_MS;
  for (;;) {
    const answers = (await echoReplies()) - before;
    if (answers >= count || Date.now() > patient) return answers;
    await delay(POLL_MS);
  }
}

/** Ends a running ping and returns the numbers of its requests so far that were not answered, however late. */
export async function endPing(ping: RunningProcess): Promise<readonly number[]> {
  const answered = () =>
    ping.lines.flatMap((line) => /icmp_seq=(\d+) .*time=/.exec(line)?.[1] ?? []).map(Number);
  const asked = Array.from({ length: Math.max(0, ...answered()) }, (_, index) => index + 1);
  // An answer may come by another CPU than the ones before it, which are late then.
  await ping.line(new RegExp(`icmp_seq=${asked.length + LATE} `));
  ping.signal('SIGINT');
  await ping.exited;
  const all = new Set(answered());
  return asked.filter((number) => !all.has(number));
}

/**
 * Reads a counter of ICMP messages, as the kernel of a network namespace keeps it.
 * @param runIn - runs a command in the namespace, or in a container, and returns what it prints
 * @param name - `InEchos` for echo requests that arrived, `InEchoReps` for answers, `InDestUnreachs` for reports
 *   that a packet could not be delivered
 */
export async function icmpCounter(
  runIn: (...command: string[]) => Promise<string>,
  name: 'InEchos' | 'InEchoReps' | 'InDestUnreachs',
): Promise<number> {
  const lines = (await runIn('grep', '^Icmp:', '/proc/net/snmp')).split('\n');
  const [names, values] = lines.map((line) => line.split(' '));
  return Number(values![names!.indexOf(name)]);
}
