// One thread of `run-on-threads.ts`: runs the seeds that it is sent, one after another.
import { on } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { runSeed } from './run-seed.ts';
import type { RunRequest } from './world/plan.ts';

for await (const [request] of on(parentPort!, 'message')) {
  parentPort!.postMessage(await runSeed(request as RunRequest));
}
