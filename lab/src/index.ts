/**
 * Hosts as network namespaces, containers behind a bridge, and real programs inside, for tests,
 * benchmarks and demonstrations. Needs root. Everything made is disposed of, also after a crash.
 *
 * @packageDocumentation
 */
export { createCertificates, type Certificates, type KeyPair } from './certificates.ts';
export { createCluster, type Cluster, type ClusterOptions, type Node, type NodeOptions } from './cluster.ts';
export { CommandError, run, RunningProcess, start } from './command.ts';
export type { Container, ContainerOptions } from './container.ts';
export { startDocker, type Docker, type DockerOptions } from './docker.ts';
export { createNamespace, type Namespace } from './namespace.ts';
export { startEtcd, startEtcdCluster, type EtcdCluster, type EtcdOptions } from './etcd.ts';
export type { Etcd } from './etcd-member.ts';
export { iperf } from './iperf.ts';
export { createLab, type Host, type HostOptions, type Lab } from './lab.ts';
