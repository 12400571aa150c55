/**
 * Hosts as network namespaces, containers behind a bridge, and real programs inside, for tests,
 * benchmarks and demonstrations. Needs root. Everything made is disposed of, also after a crash.
 *
 * @packageDocumentation
 */
export { bootHost, type BootedHost, type BootOptions } from './booted-host.ts';
export { createCgroup, type Cgroup } from './cgroup.ts';
export { createCertificates, type Certificates, type KeyPair } from './certificates.ts';
export {
  createCluster,
  loggedAt,
  type Cluster,
  type ClusterOptions,
  type Node,
  type NodeOptions,
} from './cluster.ts';
export { CommandError, run, RunningProcess, start } from './command.ts';
export type { Container, ContainerOptions } from './container.ts';
export { ENTER_SYSTEM, MOUNT_SYSTEM } from './debian/mounts.ts';
export { debianMirror, runsOn, SUITES, type Suite } from './debian/suite.ts';
export { debianTree } from './debian/tree.ts';
export { ENGINE_SUITES, ENGINES, type EngineRelease } from './docker-engine.ts';
export { startDocker, type Docker, type DockerOptions } from './docker.ts';
export { missingTcx } from './kernel-features.ts';
export { makeDirectory } from './leftovers.ts';
export { createNamespace, type Namespace } from './namespace.ts';
export { startEtcd, startEtcdCluster, type EtcdCluster, type EtcdOptions } from './etcd.ts';
export type { Etcd } from './etcd-member.ts';
export { iperf } from './iperf.ts';
export { countAnswers, endPing, icmpCounter, type PingOptions } from './ping.ts';
export { startStream, type Stream } from './stream.ts';
export { createLab, type Host, type HostOptions, type Lab } from './lab.ts';
