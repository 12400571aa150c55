// A program that watches an etcd until SIGTERM, and ends only when its registry has left nothing running.
import { createEtcdRegistry, type RegistryEvent } from '../src/index.ts';

const print = (_facts: object, message: string) => console.log(message);
const log = { debug: print, info: print, warn: print, error: print };
const [api, ...endpoints] = process.argv.slice(2);
const onEvent = ({ kind }: RegistryEvent) => console.log(kind);
const registry = createEtcdRegistry({ log, onEvent }, { endpoints, api: api as 'v2' | 'v3' });
process.once('SIGTERM', () => {
  registry.readLeases().catch((error: unknown) => console.log(String(error)));
  void registry[Symbol.asyncDispose]();
});
for await (const event of registry.watchLeases()) console.log(event.kind);
console.log('the watch ended');
