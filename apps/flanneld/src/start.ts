import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Beside the bundle and not in the shared temporary directory, where others could plant code.
enableCompileCache(join(import.meta.dirname, '..', 'cache'));
await import('./main.ts');
