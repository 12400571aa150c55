import type { Container } from '@flannel-ts/lab';
import { expect } from 'vitest';

/**
 * Sends echo requests and waits until each is answered, by the kernel's count: once an answer has come, ping itself
 * waits for the others no longer than twice the longest round trip, too short for user space on a busy machine.
 * @param interval - seconds between requests
 */
export async function expectAnswers(
  from: Container,
  to: string,
  count: number,
  { interval = 0.01, options = [] }: { interval?: number; options?: readonly string[] } = {},
): Promise<void> {
  const before = await echoReplies(from);
  const ping = `ping -n -q -c ${count} -i ${interval} ${options.join(' ')} ${to}`;
  // 1 is a missing answer.
  await from.run('sh', '-c', `${ping} || [ $? = 1 ]`);
  await expect.poll(async () => (await echoReplies(from)) - before).toBe(count);
}

/** ICMP echo replies that arrived at a container. */
async function echoReplies(container: Container): Promise<number> {
  const lines = (await container.run('cat', '/proc/net/snmp')).split('\n');
  const [names, values] = lines.filter((line) => line.startsWith('Icmp: ')).map((line) => line.split(' '));
  return Number(values![names!.indexOf('InEchoReps')]);
}
