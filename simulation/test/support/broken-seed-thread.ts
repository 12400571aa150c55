// A thread of `run-on-threads.ts` whose daemons keep the routes of peers that are gone.
import { on } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { realComponents, runSeed, type RunRequest } from '../../src/index.ts';
import { keepRemovedPeers } from './broken-followers.ts';

const components = { ...realComponents, createPeerFollower: keepRemovedPeers };

for await (const [request] of on(parentPort!, 'message')) {
  parentPort!.postMessage(await runSeed(request as RunRequest, { components }));
}
