#!/bin/sh
# Runs main.ts on the machine's root in the guest, with the lines of `arguments`: the workspace, Node's directory, suites.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
set --
{
  read -r _modules
  while read -r argument; do set -- "$@" "$argument"; done
} < /run/guest/arguments
workspace=$1
export PATH="$workspace/node_modules/.bin:$PATH" HOME=/root LANG=C.UTF-8 NO_COLOR=1
shift

ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
hostname guest
ip link set lo up
modprobe tun
# A terminal would change bytes of the result.
stty -F /dev/ttyS1 raw -echo
cd "$workspace" || exit
echo booted
# vitest draws on a terminal what is only for the eye.
node --conditions=@flannel-ts/source e2e/kernels/guest/main.ts /dev/ttyS1 "$@" 2>&1 < /dev/null | cat
busybox poweroff -f
