/**
 * A user-defined bridge network of Docker, kept equal to the desired one through Docker's API: created,
 * recreated when it differs, and followed through restarts of Docker.
 *
 * @packageDocumentation
 */
export type { DockerNetworkComponents } from './components.ts';
export { bridgeName, OWNER_LABEL, type DesiredNetwork } from './desired-network.ts';
export { DockerError, DockerRefusedError, DockerUnavailableError, DockerUnusableError } from './errors.ts';
export type { DockerNetworkChange, DockerNetworkState } from './events.ts';
export { findDockerNetworks, type OwnedNetwork } from './find-docker-networks.ts';
export { keepDockerNetwork, type DockerEndpoint, type DockerNetworkOptions } from './keep-docker-network.ts';
