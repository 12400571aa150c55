// One thread of `run-on-threads.ts`: runs the seeds that it is sent, one after another.
import { parentPort } from 'node:worker_threads';
import { runSeed } from './run-seed.ts';
import type { RunRequest } from './world/plan.ts';

parentPort!.on('message', async (request: RunRequest) => parentPort!.postMessage(await runSeed(request)));
