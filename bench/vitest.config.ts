// Its conditions keep the 64-bit integers of etcd's client whole.
export { default } from '../packages/etcd-registry/vitest.config.ts';
