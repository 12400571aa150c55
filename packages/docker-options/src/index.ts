/**
 * subnet.env, which tells Docker and others the host's subnet, and the Docker options made from it.
 *
 * @packageDocumentation
 */
export {
  CombinedKeyError,
  formatDockerOptions,
  writeDockerOptions,
  type DockerOptionsFormat,
} from './docker-options.ts';
export {
  formatSubnetEnv,
  parseSubnetEnv,
  readSubnetEnv,
  writeSubnetEnv,
  type SubnetEnv,
  type SubnetEnvProblem,
} from './subnet-env.ts';
