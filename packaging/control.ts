import { globSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LIBRARY } from './paths.ts';

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/** Writes DEBIAN/: the control file, the list of conffiles and the maintainer scripts. */
export async function writeControl(
  tree: string,
  facts: { readonly version: string; readonly architecture: string },
): Promise<void> {
  const directory = join(tree, 'DEBIAN');
  const fields = {
    Package: 'flanneld',
    Version: facts.version,
    Architecture: facts.architecture,
    Maintainer: 'flannel-ts contributors <flannel-ts@packages.invalid>',
    'Installed-Size': `${await installedKibibytes(tree)}`,
    Depends: `libc6 (>= ${await newestGlibc(tree)}), libgcc-s1, libstdc++6, iptables`,
    Recommends: 'nftables',
    Suggests: 'docker.io | docker-ce, etcd-server',
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
  for (const script of SCRIPTS) {
    await copyFile(join(import.meta.dirname, 'debian', script), join(directory, script));
    await chmod(join(directory, script), 0o755);
  }
}

async function installedKibibytes(tree: string): Promise<number> {
  let kibibytes = 0;
  for (const file of globSync('**', { cwd: tree })) {
    const { size } = await stat(join(tree, file));
    kibibytes += Math.ceil(size / 1024);
  }
  return kibibytes;
}

/** The newest version of a glibc symbol that Node or the addon needs: `2.34`. */
async function newestGlibc(tree: string): Promise<string> {
  const programs = ['bin/node', 'node_modules/@flannel-ts/native/build/Release/flannel_native.node'];
  let newest = 0;
  for (const program of programs) {
    const bytes = await readFile(join(tree, LIBRARY, program), 'latin1');
    for (const [, minor] of bytes.matchAll(/\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)/g))
      newest = Math.max(newest, Number(minor));
  }
  if (newest === 0)
    throw new Error(`${programs.map((path) => basename(path)).join(' and ')} name no glibc version`);
  return `2.${newest}`;
}
