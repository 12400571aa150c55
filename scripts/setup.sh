#!/bin/sh
# Installs what a fresh Debian machine lacks: Debian packages (as root), the locked Node and the locked npm
# packages. Runs under any Node and npm. A script that sources it has the locked Node first in its PATH.
set -eu
cd "$(dirname "$0")/.."
# `su` without `-` leaves the directories of system programs out of PATH.
export PATH="$PWD/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"

packages="bpftool busybox-static ca-certificates curl debootstrap docker-compose docker.io dpkg-dev etcd-client etcd-server ethtool
g++ iperf3 iproute2 iptables iputils-ping libdevmapper1.02.1 make man-db mandoc nftables openssl procps
python3 systemd tcpdump traceroute util-linux ${MORE_PACKAGES:-}"
# libdevmapper is for the Docker Engine 20.10 of the lab. Since Debian 13 docker.io is the daemon alone. The eBPF programs are
# compiled, and compared with what is committed, by the clang of Debian 12.
if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
  packages="$packages clang libbpf-dev"
else
  packages="$packages docker-cli"
fi

# Waits while another process, such as an unattended upgrade, holds apt's locks; `update` alone has no option for it.
install_debian_packages() {
  export DEBIAN_FRONTEND=noninteractive
  until errors=$(LC_ALL=C apt-get update -q 2>&1 >/dev/null); do
    case $errors in
      *"Could not get lock"*) sleep 2 ;;
      *) echo "$errors" >&2 && exit 1 ;;
    esac
  done
  # shellcheck disable=SC2086 -- the list is words on purpose
  apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=600 $missing >/dev/null
}

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "setup: missing Debian packages:$missing" >&2
    echo "setup: run this once as root, or: apt-get install --no-install-recommends$missing" >&2
    exit 1
  fi
  echo "setup: installing Debian packages:$missing"
  install_debian_packages
fi

# npm leaves out an optional package, such as a compiler's binary, that does not support the Node npm runs on,
# and old ones do not link an optional package's programs. So the locked Node comes first, and runs npm.
install_npm_packages() {
  node=node-linux-$(node -p process.arch)
  if ! grep -q "\"$node\"" package.json; then
    echo "setup: no $node is locked: package.json needs it as an optional dependency" >&2
    exit 1
  fi
  echo "setup: installing Node $(sed -n "s/.*\"$node\": \"\(.*\)\".*/\1/p" package.json)"
  npm ci --omit=dev --workspaces=false --loglevel=error
  runtime=$(mktemp -d)
  trap 'rm -rf "$runtime"' EXIT
  mv "node_modules/$node" "$runtime"
  echo "setup: installing npm packages"
  # See run.sh about the warnings.
  NODE_NO_WARNINGS=1 PATH="$runtime/$node/bin:$PATH" npm ci --loglevel=error
  ln -sf "../$node/bin/node" node_modules/.bin/node
  rm -rf "$runtime"
  trap - EXIT
}

# npm keeps the lock that it installed; equal locks mean that nothing is to do.
installed=node_modules/.cache/installed-lock.json
if ! cmp -s package-lock.json "$installed" || ! [ -x node_modules/.bin/node ]; then
  install_npm_packages
  mkdir -p "$(dirname "$installed")"
  cp package-lock.json "$installed"
fi
