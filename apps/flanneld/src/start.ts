import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Before anything that takes time: without a handler, Node opens its debugger to every user of the host. The daemon has
// a handler of its own once it is loaded.
process.on('SIGUSR1', () => undefined);
// Beside the bundle and not in the shared temporary directory, where others could plant code.
enableCompileCache(join(import.meta.dirname, '..', 'cache'));
await import('./main.ts');
