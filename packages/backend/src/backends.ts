import type { NetworkConfig } from '@flannel-ts/subnet';
import { createAllocBackend } from './alloc.ts';
import type { CreateBackend } from './backend.ts';
import { BackendConfigError } from './errors.ts';
import { createHostGwBackend } from './host-gw.ts';
import { createUdpBackend } from './udp.ts';
import { createVxlanBackend } from './vxlan.ts';

/** Every backend, by its `Type` in the network config. */
export const backends: Readonly<Record<string, CreateBackend>> = {
  alloc: createAllocBackend,
  'host-gw': createHostGwBackend,
  udp: createUdpBackend,
  vxlan: createVxlanBackend,
};

/** The backend that a network config asks for. @throws {BackendConfigError} */
export function selectBackend({ backend }: NetworkConfig): CreateBackend {
  const create = Object.hasOwn(backends, backend.type) ? backends[backend.type] : undefined;
  if (create) return create;
  throw new BackendConfigError(
    'Backend.Type',
    `unknown backend type: ${backend.type} (known are ${Object.keys(backends).join(', ')})`,
  );
}
