import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '@flannel-ts/lab';

/** A process that puts keys into a cluster's etcd over a connection that it keeps. */
export interface LeaseWriter extends AsyncDisposable {
  /** Puts a key. @returns the time right before, in ns of CLOCK_MONOTONIC (`process.hrtime.bigint`) */
  put(key: string, value: string): Promise<bigint>;
}

/** Starts a writer in the namespace of a cluster's etcd, and connects it. It ends with this process. */
export async function startLeaseWriter({ lab, endpoint }: Cluster): Promise<LeaseWriter> {
  const program = [process.execPath, fileURLToPath(new URL('lease-writer.ts', import.meta.url)), endpoint];
  const child = spawn('ip', ['netns', 'exec', lab.underlay.namespace, ...program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const put = async (key: string, value: string) => {
    child.stdin.write(`${key} ${value}\n`);
    const answer = await answers.next();
    if (answer.done) throw new Error('the lease writer ended; see what it printed');
    return BigInt(answer.value);
  };
  await put('/bench/connected', 'yes');
  return {
    put,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await closed;
    },
  };
}
