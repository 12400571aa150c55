import { setTimeout as delay } from 'node:timers/promises';
import { createContests } from '@flannel-ts/backoff';
import type { DockerNetworkComponents } from './components.ts';
import type { DesiredNetwork } from './desired-network.ts';
import { openDocker, type DockerApi } from './docker-api.ts';
import { notRunning } from './docker-client.ts';
import { DockerUnavailableError } from './errors.ts';
import type { DockerNetworkState } from './events.ts';
import { contestReason, reconcile } from './reconcile.ts';
import { currentRun, watchSocket } from './socket-watch.ts';
import { createStateReport } from './state-report.ts';

/** A Docker, and who asks. */
export interface DockerEndpoint {
  /** Where Docker's API listens: `/var/run/docker.sock`. */
  readonly socketPath: string;
  /** Whose networks are meant, so that two programs on one host tell theirs apart. */
  readonly owner: string;
}

export interface DockerNetworkOptions extends DockerEndpoint {
  readonly desired: DesiredNetwork;
}

/** Milliseconds that a Docker takes to end its containers; if it is there after that, it did not end. */
const LONGEST_STOP_MS = 180_000;
/** As many creations of the network in a row are no contest. */
const FREE_CREATIONS = 5;
/** Milliseconds for which changes that Docker reports are collected: a container causes several. */
const COLLECT_MS = 100;

/**
 * Keeps one network of Docker equal to the desired one until disposed; disposing leaves the network. Returns
 * at once: a Docker that is absent, starts later, restarts or ends is followed, and one that was stopped stays so.
 */
export function keepDockerNetwork(
  components: DockerNetworkComponents,
  { socketPath, owner, desired }: DockerNetworkOptions,
): AsyncDisposable {
  const { onState = () => undefined, random = Math.random } = components;
  const stop = new AbortController();
  const { signal } = stop;
  const states = createStateReport(onState, random);
  const contests = createContests({ random, freeRepairs: FREE_CREATIONS });
  /** The Docker that was talked to last; since when it is gone, on the clock of `performance.now`. */
  let known: { readonly run: string | undefined; readonly goneAt: number } | undefined;

  function report(state: DockerNetworkState): void {
    if (!signal.aborted) states.report(state);
  }

  /** A network that another program keeps removing is not in place, whether or not it is there right now. */
  function stateInPlace(): DockerNetworkState {
    const { name } = desired;
    return contests.isContested(name)
      ? { kind: 'failed', reason: contestReason(name) }
      : { kind: 'in-place' };
  }

  /**
   * Where systemd holds the socket, a connection starts a Docker that an operator has stopped, also one that
   * waits there from before the end of the stopped one.
   */
  function mayConnect(): boolean {
    if (known?.run === undefined) return true;
    const run = currentRun(socketPath);
    if (run === known.run) return performance.now() - known.goneAt > LONGEST_STOP_MS;
    return run !== undefined;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      // From before the attempt, so that no start of Docker falls between the two.
      using socket = watchSocket(socketPath);
      try {
        if (!mayConnect()) throw notRunning(socketPath);
        using docker = await openDocker(socketPath, signal);
        const run = currentRun(socketPath);
        await follow(docker).catch((error: unknown) => {
          if (error instanceof DockerUnavailableError) known = { run, goneAt: performance.now() };
          throw error;
        });
      } catch (error) {
        report(stateOf(error));
      }
      const pause = new AbortController();
      await Promise.race([
        socket.changed.then(() => states.forgive()),
        delay(states.pauseMs(), undefined, { signal: AbortSignal.any([signal, pause.signal]) }).catch(
          () => undefined,
        ),
      ]);
      pause.abort();
    }
  }

  /** Compares at every change that Docker reports, and now and then, until Docker ends. */
  async function follow(docker: DockerApi): Promise<never> {
    const changes = await docker.changes();
    let wake = Promise.withResolvers<void>();
    let end: { readonly cause?: unknown } | undefined;
    void read(changes, () => wake.resolve())
      .then(
        () => (end = {}),
        (cause: unknown) => (end = { cause }),
      )
      .finally(() => wake.resolve());
    for (;;) {
      wake = Promise.withResolvers();
      await reconcile(docker, { desired, owner, contests }, components).then(
        () => report(stateInPlace()),
        (error: unknown) => {
          if (error instanceof DockerUnavailableError) throw error;
          report(stateOf(error));
        },
      );
      const timer = setTimeout(() => wake.resolve(), states.pauseMs());
      await wake.promise;
      clearTimeout(timer);
      await delay(COLLECT_MS, undefined, { signal });
      if (end) throw notRunning(socketPath, end.cause);
    }
  }

  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function read(changes: AsyncIterable<unknown>, onEach: () => void): Promise<void> {
  for await (const _change of changes) onEach();
}

function stateOf(error: unknown): DockerNetworkState {
  const reason = error instanceof Error ? error.message : String(error);
  return { kind: error instanceof DockerUnavailableError ? 'unavailable' : 'failed', reason };
}
