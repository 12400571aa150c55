import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cachedDirectory } from './cache.ts';
import { debianMirror, type Suite } from './suite.ts';

const MAKE_BASE = `
debootstrap --variant=minbase "$1" . "$2" /usr/share/debootstrap/scripts/sid
rm -f var/cache/apt/archives/*.deb
# A mirror may lag: what the machine accepts of it, its trees accept too.
apt-config dump Acquire::Check-Valid-Until Acquire::Check-Date > etc/apt/apt.conf.d/99mirror
`;

// Nothing that a package brings may start: there is no service manager in the tree while it is made.
const ADD_PACKAGES = `
base=$1
archives=$2
shift 2
cp --archive "$base/." .
mount -t proc proc proc
mount --bind /dev dev
printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
cp /etc/resolv.conf etc/resolv.conf
export DEBIAN_FRONTEND=noninteractive
chroot . apt-get update --quiet
chroot . apt-get install --yes --quiet --no-install-recommends "$@"
chroot . apt-get clean
[ -z "$archives" ] || chroot . apt-get install --yes --quiet --download-only $archives
umount proc dev
rm usr/sbin/policy-rc.d
`;

/**
 * Returns the root directory of a minimal Debian system with packages, made by debootstrap once and kept in the
 * machine's cache. It is shared: use it as the lower layer of an overlay, never write into it.
 * @param archives - packages that apt can install there without a network: they and what they need are in its cache
 */
export async function debianTree(
  suite: Suite,
  packages: readonly string[] = [],
  archives: readonly string[] = [],
): Promise<string> {
  if (!existsSync('/usr/sbin/debootstrap'))
    throw new Error('debootstrap is not installed; run npm run setup');
  const base = await cachedDirectory(suite, MAKE_BASE, [suite, await debianMirror()]);
  if (packages.length === 0) return base;
  const names = [...new Set(packages)].sort();
  const contents = [ADD_PACKAGES, names.join(' '), ...archives.toSorted()].join('\n');
  const digest = createHash('sha256').update(contents).digest('hex').slice(0, 12);
  return cachedDirectory(`${suite}-${digest}`, ADD_PACKAGES, [base, archives.join(' '), ...names]);
}
