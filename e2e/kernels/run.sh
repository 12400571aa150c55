#!/bin/sh
# Runs the command with Debian packages that only it needs.
set -eu
MORE_PACKAGES="kmod qemu-system-x86"
# Debian 12 has virtiofsd in a package that QEMU depends on.
grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || MORE_PACKAGES="$MORE_PACKAGES virtiofsd"
export MORE_PACKAGES
exec sh scripts/run.sh node --conditions=@flannel-ts/source e2e/kernels/main.ts "$@"
