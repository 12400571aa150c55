import { join } from 'node:path';
import { cachedDirectory } from './debian/cache.ts';
import { debianMirror, type Suite } from './debian/suite.ts';

/** Releases of the Docker Engine that Debian's suites have. */
export const ENGINES = ['20.10', '26.1', '28.5'] as const;
export type EngineRelease = (typeof ENGINES)[number];

/** Where the programs of an engine are. */
export interface DockerEngine {
  /** Directories for the front of PATH: dockerd finds containerd and docker-proxy there. */
  readonly path: string;
  readonly dockerd: string;
  readonly docker: string;
  readonly compose: string;
}

/** The suite whose docker.io an engine is. */
export const ENGINE_SUITES: Readonly<Record<EngineRelease, Suite>> = {
  '20.10': 'bookworm',
  '26.1': 'trixie',
  '28.5': 'forky',
};

// apt works on lists of its own here: the machine's own suite and packages stay out of it.
const UNPACK = `
suite=$1
mirror=$2
shift 2
mkdir -p apt/lists/partial apt/archives/partial
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > apt/sources.list
apt_here() {
  apt-get --quiet -o Dir::Etc::SourceList="$PWD/apt/sources.list" -o Dir::Etc::SourceParts=- \\
    -o Dir::State::Lists="$PWD/apt/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$PWD/apt" \\
    -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}
apt_here update
apt_here download "$@"
for package in *.deb; do
  dpkg --extract "$package" .
done
rm -rf apt ./*.deb usr/share
`;

/** Returns an engine of Debian, unpacked and not installed, from the machine's cache or its mirror. */
export async function dockerEngine(release: EngineRelease): Promise<DockerEngine> {
  // Debian 12's docker.io brings its client, and its docker-compose is a program in Python: not one to unpack.
  const packages =
    release === '20.10'
      ? ['docker.io', 'containerd']
      : ['docker.io', 'docker-cli', 'containerd', 'docker-compose'];
  const root = await cachedDirectory(`docker-${release}`, UNPACK, [
    ENGINE_SUITES[release],
    await debianMirror(),
    ...packages,
  ]);
  const inRoot = (file: string) => join(root, file);
  return {
    path: [inRoot('usr/sbin'), inRoot('usr/bin')].join(':'),
    dockerd: inRoot('usr/sbin/dockerd'),
    docker: inRoot('usr/bin/docker'),
    compose:
      release === '20.10'
        ? '/usr/bin/docker-compose'
        : inRoot('usr/libexec/docker/cli-plugins/docker-compose'),
  };
}
