// Debian's archive through apt, with lists and a state of their own: only mirror and settings are the machine's.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianMirror, run } from '@flannel-ts/lab';
import { findKernelPackages, METAPACKAGE, type KernelPackages } from './kernel-packages.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** One suite of Debian, such as `trixie`. */
export interface Archive {
  /** Finds the suite's current kernel. */
  kernel(): Promise<KernelPackages>;
  /** Downloads packages into a directory and returns their files; apt verifies them by Debian's keys. */
  download(packages: readonly string[], directory: string): Promise<string[]>;
}

/** Opens a suite of the machine's mirror with its present list of packages, which is kept below `directory`. */
export async function openArchive(suite: string, directory: string): Promise<Archive> {
  const path = (name: string) => join(directory, 'apt', suite, name);
  for (const name of ['lists/partial', 'cache/archives/partial'])
    await mkdir(path(name), { recursive: true });
  await writeFile(path('status'), '');
  const source = {
    ...{ Types: 'deb', URIs: await debianMirror(), Suites: suite, Components: 'main' },
    ...{ Architectures: 'amd64', 'Signed-By': KEYRING },
  };
  const fields = Object.entries(source).map(([field, value]) => `${field}: ${value}\n`);
  await writeFile(path('debian.sources'), fields.join(''));
  const options = Object.entries({
    'Dir::Etc::SourceList': path('debian.sources'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State::Lists': path('lists'),
    'Dir::State::Status': path('status'),
    'Dir::Cache': path('cache'),
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run(['apt-get', ...options, '--quiet', 'update', '--error-on=any']);
  return {
    async kernel() {
      const others = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
      const depends = ['depends', '--recurse', ...others.map((kind) => `--no-${kind}`)];
      return findKernelPackages(await run(['apt-cache', ...options, ...depends, METAPACKAGE]));
    },
    async download(packages, to) {
      const download = ['apt-get', ...options, '--quiet', 'download', ...packages];
      await run(['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', to, ...download]);
      return (await readdir(to)).filter((name) => name.endsWith('.deb')).map((name) => join(to, name));
    },
  };
}
