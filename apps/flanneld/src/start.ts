import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Before anything that takes time: without a handler, SIGUSR1 opens Node's debugger to every user of the host, and SIGHUP
// ends the process, which systemd takes for an orderly end. The daemon has handlers of its own once it is loaded.
for (const signal of ['SIGHUP', 'SIGUSR1']) process.on(signal, () => undefined);
// Beside the bundle and not in the shared temporary directory, where others could plant code.
enableCompileCache(join(import.meta.dirname, '..', 'cache'));
await import('./main.ts');
