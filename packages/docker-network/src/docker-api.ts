import { createDockerClient, notDocker, type DockerClient } from './docker-client.ts';
import { DockerRefusedError, DockerUnusableError } from './errors.ts';

/** A version of Docker's API as numbers: `[1, 41]`. */
export type ApiVersion = readonly [major: number, minor: number];

/** A network as Docker lists it. */
export interface ListedNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** Subnets as written when the network was made. */
  readonly ipam: readonly { readonly Subnet?: string; readonly Gateway?: string }[];
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What Docker takes to create a network (`POST /networks/create`). */
export interface CreateRequest {
  readonly Name: string;
  readonly [field: string]: unknown;
}

/** The few calls of Docker's API that keeping a network needs. All throw what {@link DockerClient.call} throws. */
export interface DockerApi extends Disposable {
  /** Version of the engine: `28.5.2`. */
  readonly engine: string;
  /** The newest version of the API that the engine speaks. */
  readonly apiVersion: ApiVersion;
  listNetworks(): Promise<readonly ListedNetwork[]>;
  createNetwork(request: CreateRequest): Promise<void>;
  removeNetwork(id: string): Promise<void>;
  /** Names of the containers that start in this network, running or not: `web`, `db (stopped)`. */
  containersOf(id: string): Promise<readonly string[]>;
  /** Yields something whenever a network or a container came or went, from the call on, until Docker ends. */
  changes(): Promise<AsyncIterable<unknown>>;
}

/** Docker 1.12 of 2016; what the calls here use is there since then. */
const OLDEST: ApiVersion = [1, 24];
/** Newest version that was tested (engine 28.5); a newer engine is asked for this one. */
const NEWEST: ApiVersion = [1, 51];

/** Asks an engine for its version and returns its API. @throws what {@link DockerClient.call} throws */
export async function openDocker(socketPath: string, signal: AbortSignal): Promise<DockerApi> {
  const client = createDockerClient(socketPath, signal);
  try {
    const { version, ...engine } = await askVersion(client, socketPath);
    return { ...engine, ...callsOf(client, `/v${version.join('.')}`, socketPath) };
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

/** Which engine it is, and the version of the API to talk to it. */
async function askVersion(
  client: DockerClient,
  socketPath: string,
): Promise<Pick<DockerApi, 'engine' | 'apiVersion'> & { readonly version: ApiVersion }> {
  const answer = await client
    .call({ what: 'tell its version', method: 'GET', path: '/version' })
    .catch((error: unknown) => {
      throw error instanceof DockerRefusedError && error.status === 404
        ? notDocker(socketPath, error)
        : error;
    });
  const facts = (answer ?? {}) as { Version?: unknown; ApiVersion?: unknown; MinAPIVersion?: unknown };
  const apiVersion = parseVersion(facts.ApiVersion);
  if (!apiVersion || typeof facts.Version !== 'string') throw notDocker(socketPath);
  if (compareVersions(apiVersion, OLDEST) < 0) {
    throw new DockerUnusableError(
      'too-old',
      `Docker’s API must be ${OLDEST.join('.')} or later, not ${apiVersion.join('.')}; upgrade Docker ${facts.Version}`,
    );
  }
  const spoken = [apiVersion, NEWEST].sort(compareVersions)[0]!;
  const lowest = parseVersion(facts.MinAPIVersion) ?? spoken;
  const version = [spoken, lowest].sort(compareVersions)[1]!;
  return { engine: facts.Version, apiVersion, version };
}

function callsOf(
  client: DockerClient,
  base: string,
  socketPath: string,
): Omit<DockerApi, 'engine' | 'apiVersion'> {
  return {
    [Symbol.dispose]: () => client[Symbol.dispose](),
    async listNetworks() {
      const answer = await client.call({ what: 'list networks', method: 'GET', path: `${base}/networks` });
      return expectArray(answer, socketPath).map((entry) => toListedNetwork(entry, socketPath));
    },
    async createNetwork(body) {
      const what = `create the network ${JSON.stringify(body.Name)}`;
      await client.call({ what, method: 'POST', path: `${base}/networks/create`, body });
    },
    async removeNetwork(id) {
      const path = `${base}/networks/${encodeURIComponent(id)}`;
      await client.call({ what: 'remove a network', method: 'DELETE', path });
    },
    async containersOf(id) {
      const query = new URLSearchParams({ all: 'true', filters: JSON.stringify({ network: [id] }) });
      const path = `${base}/containers/json?${query.toString()}`;
      const answer = await client.call({ what: 'list containers', method: 'GET', path });
      return expectArray(answer, socketPath).map(describeContainer).sort();
    },
    changes() {
      const filters = {
        type: ['network', 'container'],
        event: ['create', 'destroy', 'remove', 'disconnect'],
      };
      // Docker answers a moment before it listens to itself: `since` covers that moment.
      const since = String(Math.floor(Date.now() / 1000));
      const query = new URLSearchParams({ since, filters: JSON.stringify(filters) });
      return client.stream({
        what: 'report events',
        method: 'GET',
        path: `${base}/events?${query.toString()}`,
      });
    },
  };
}

function expectArray(answer: unknown, socketPath: string): readonly unknown[] {
  if (!Array.isArray(answer)) throw notDocker(socketPath);
  return answer;
}

function toListedNetwork(entry: unknown, socketPath: string): ListedNetwork {
  const { Id, Name, Driver, IPAM, Options, Labels } = (entry ?? {}) as {
    Id?: string;
    Name?: string;
    Driver?: string;
    IPAM?: { Config?: ListedNetwork['ipam'] | null };
    Options?: Record<string, string> | null;
    Labels?: Record<string, string> | null;
  };
  if (typeof Id !== 'string' || typeof Name !== 'string') throw notDocker(socketPath);
  return {
    id: Id,
    name: Name,
    driver: Driver ?? '',
    ipam: IPAM?.Config ?? [],
    options: Options ?? {},
    labels: Labels ?? {},
  };
}

function describeContainer(entry: unknown): string {
  const { Id = '', Names, State } = (entry ?? {}) as { Id?: string; Names?: string[] | null; State?: string };
  const name = Names?.[0]?.replace(/^\//, '') ?? Id.slice(0, 12);
  return State === 'running' ? name : `${name} (stopped)`;
}

function parseVersion(value: unknown): ApiVersion | undefined {
  const [, major, minor] = (typeof value === 'string' && /^(\d+)\.(\d+)$/.exec(value)) || [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

/** Negative when `one` is older than `other`. */
export function compareVersions(one: ApiVersion, other: ApiVersion): number {
  return one[0] - other[0] || one[1] - other[1];
}
