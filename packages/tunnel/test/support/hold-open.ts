import { fileURLToPath } from 'node:url';

/** Begins the command of held-open.ts, which opens a tunnel with a fast path and waits to be killed. */
export const holdOpen = [
  ...[process.execPath, '--conditions=@flannel-ts/source'],
  fileURLToPath(new URL('held-open.ts', import.meta.url)),
];
