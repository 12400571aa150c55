/**
 * Shell text that mounts what a Debian system expects on the directory `$root`: /proc, /sys with cgroup2, and /dev,
 * /run, /tmp and Docker's data of its own. For a mount namespace that ends with the system.
 */
export const MOUNT_SYSTEM = `
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for path in dev run tmp var/lib/docker; do
  mkdir -p "$root/$path"
  mount -t tmpfs tmpfs "$root/$path"
done
mkdir "$root/dev/net" "$root/dev/pts" "$root/dev/shm"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
mknod -m 666 "$root/dev/net/tun" c 10 200
`;

/**
 * Shell text that makes `$root`, a mount point, the root of the mount namespace. A chroot would not do: who enters
 * the namespace, as `docker exec` and `nsenter --mount` do, would find the machine's root. Debian 14 has no
 * pivot_root but busybox's.
 */
export const ENTER_SYSTEM = `
mkdir "$root/run/machine"
cd "$root"
busybox pivot_root . run/machine
umount --lazy run/machine
rmdir run/machine
`;
