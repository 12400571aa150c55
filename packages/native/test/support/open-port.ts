// A process with an open netlink port; its argument says how it ends.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { openNetlinkPort } from '../../src/index.ts';

const how = process.argv[2];
if (how === 'thread' && isMainThread) {
  const worker = new Worker(import.meta.filename, { argv: [how] });
  worker.once('message', () => void worker.terminate());
} else {
  const port = openNetlinkPort();
  port.listen(
    () => undefined,
    () => undefined,
  );
  if (how === 'close') port.close();
  if (how === 'exit') process.exit();
  parentPort?.postMessage('open');
}
