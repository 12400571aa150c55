/**
 * subnet.env, which tells Docker and others the host's subnet, and the Docker options made from it.
 *
 * @packageDocumentation
 */
export type { Variables } from './assignment-reader.ts';
export {
  CombinedKeyError,
  formatDockerOptions,
  writeDockerOptions,
  type DockerOptionsFormat,
} from './docker-options.ts';
export type { AssignmentProblem } from './shell-assignments.ts';
export {
  formatSubnetEnv,
  parseSubnetEnv,
  readSubnetEnv,
  writeSubnetEnv,
  type SubnetEnv,
} from './subnet-env.ts';
