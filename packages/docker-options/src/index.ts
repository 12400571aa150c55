/**
 * subnet.env, which tells Docker and others the host's subnet, and the Docker options made from it.
 *
 * @packageDocumentation
 */
export { formatDockerOptions, type DockerOptionsFormat } from './docker-options.ts';
export {
  formatSubnetEnv,
  parseSubnetEnv,
  readSubnetEnv,
  writeFileAtomically,
  writeSubnetEnv,
  type SubnetEnv,
  type SubnetEnvProblem,
} from './subnet-env.ts';
