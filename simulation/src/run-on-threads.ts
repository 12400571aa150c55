import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { RunResult } from './simulate.ts';
import type { RunRequest } from './world/plan.ts';

const SEED_THREAD = new URL('./seed-thread.ts', import.meta.url);
/** Threads run from source too when the program does not, as in tests. */
const EXEC_ARGV = [...new Set([...process.execArgv, '--conditions=@flannel-ts/source'])];

/**
 * Runs seeds on several threads. Each thread takes the next request when it has run the one before, so that
 * requests that are no longer wanted are those that the iterator has not given yet.
 */
export async function runOnThreads(
  requests: IterableIterator<RunRequest>,
  { jobs, script = SEED_THREAD }: { readonly jobs: number; readonly script?: URL | undefined },
  onResult: (request: RunRequest, result: RunResult) => void,
): Promise<void> {
  const threads = Array.from({ length: jobs }, () => new Worker(script, { execArgv: EXEC_ARGV }));
  try {
    await Promise.all(
      threads.map(async (thread) => {
        for (const request of requests) {
          thread.postMessage(request);
          const [result] = (await once(thread, 'message')) as [RunResult];
          onResult(request, result);
        }
      }),
    );
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}
