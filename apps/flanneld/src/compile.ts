// Fills the compile cache with what any task loads, where the program itself may not write it: node compile.js
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

enableCompileCache(join(import.meta.dirname, '..', 'cache'));
await import('./service.ts');
await import('./daemon.ts');
await import('./cleanup/clean-up.ts');
await import('./etcd-migrate.ts');
await import('./help.ts');
