// An esbuild plugin: etcd3 parses its .proto files whenever it is loaded. In the bundle they lie parsed.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import protobuf from 'protobufjs';

const directory = join(dirname(createRequire(import.meta.url).resolve('etcd3/package.json')), 'proto');
const LOADS = '(0, proto_loader_1.loadSync)(`${__dirname}/../proto/rpc.proto`, {';

export const etcdProtocol: Plugin = {
  name: 'etcd-protocol',
  setup(build) {
    build.onLoad({ filter: /etcd3[\\/]lib[\\/]connection-pool\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes(LOADS)) throw new Error(`${path} loads its protocol in another way now`);
      const protocol = JSON.stringify(parseProtocol());
      return { contents: source.replace(LOADS, () => `(0, proto_loader_1.fromJSON)(${protocol}, {`) };
    });
  },
};

function parseProtocol(): object {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, file) => join(directory, file.slice(file.lastIndexOf('/') + 1));
  return root.loadSync('rpc.proto', { keepCase: true }).toJSON();
}
