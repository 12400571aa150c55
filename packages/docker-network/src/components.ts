import type { DockerNetworkChange, DockerNetworkState } from './events.ts';

/** What keeping a network is composed with. */
export interface DockerNetworkComponents {
  /**
   * Called when the state or its reason changed, and first when it is known. After an exception, it is called again
   * with the next attempt. @default no one
   */
  readonly onState?: (state: DockerNetworkState) => void;
  /** Called for each step made in Docker. @default no one */
  readonly onChange?: (change: DockerNetworkChange) => void;
  /** Returns why the network may not be created now, such as rules that are not in place. @default nothing */
  readonly obstacle?: () => string | undefined;
  /** Uniform in 0 to 1, for the time between attempts. @default Math.random */
  readonly random?: () => number;
}
