import { globSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { LIBRARY, MAINTAINER } from './paths.ts';
import { findSharedLibraries } from './shared-libraries.ts';

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

const PROGRAMS = ['bin/node', 'node_modules/@flannel-ts/native/build/Release/flannel_native.node'];

/** What the scripts call, and what the unit's settings need. */
const DEPENDS = ['init-system-helpers (>= 1.54)', 'iptables (>= 1.8)'];

/** Writes DEBIAN/: the control file, checksums, the list of conffiles and the maintainer scripts. */
export async function writeControl(
  tree: string,
  facts: { readonly version: string; readonly architecture: string },
): Promise<void> {
  const directory = join(tree, 'DEBIAN');
  const files = await installedFiles(tree);
  const libraries = await findSharedLibraries(PROGRAMS.map((program) => join(tree, LIBRARY, program)));
  const fields = {
    Package: 'flanneld',
    Version: facts.version,
    Architecture: facts.architecture,
    Maintainer: MAINTAINER,
    'Installed-Size': `${await kibibytes(tree, files)}`,
    Depends: [libraries, ...DEPENDS].join(', '),
    Recommends: 'nftables',
    Suggests: 'docker.io | docker-ce, etcd-server',
    Breaks: 'systemd (<< 247)',
    Section: 'net',
    Priority: 'optional',
    Description: [
      'overlay network between the containers of many hosts',
      ' flanneld takes a subnet lease from etcd and keeps the host connected to the',
      ' overlay network of its cluster, by VXLAN, UDP or plain routes. Docker takes',
      ' the subnet through a drop-in of its unit. The package has its own Node.js.',
    ].join('\n'),
  };
  await mkdir(directory);
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  await writeFile(join(directory, 'control'), lines.join(''));
  await writeFile(join(directory, 'conffiles'), '/etc/default/flanneld\n');
  await writeFile(join(directory, 'md5sums'), await checksums(tree, files));
  for (const script of SCRIPTS) {
    await copyFile(join(import.meta.dirname, 'debian', script), join(directory, script));
    await chmod(join(directory, script), 0o755);
  }
}

/** Regular files, sorted, by their path below the tree. */
async function installedFiles(tree: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of globSync('**', { cwd: tree })) {
    if ((await stat(join(tree, path))).isFile()) files.push(path);
  }
  return files.sort();
}

async function kibibytes(tree: string, files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(tree, file))).size));
  return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0);
}

/** The lines of deb-md5sums(5). dpkg itself has the sums of conffiles. */
async function checksums(tree: string, files: readonly string[]): Promise<string> {
  const lines = files
    .filter((file) => !file.startsWith('etc/'))
    .map(async (file) => {
      const digest = createHash('md5').update(await readFile(join(tree, file)));
      return `${digest.digest('hex')}  ${file}\n`;
    });
  return (await Promise.all(lines)).join('');
}
