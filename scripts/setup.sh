#!/bin/sh
# Installs what a fresh Debian machine lacks: Debian packages (as root) and the locked npm packages.
set -eu
cd "$(dirname "$0")/.."

packages="busybox-static ca-certificates curl debootstrap docker-compose docker.io dpkg-dev etcd-client etcd-server ethtool g++ iperf3
iproute2 iptables iputils-ping make mandoc nftables openssl procps python3 systemd tcpdump traceroute
util-linux"

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
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >/dev/null
  # shellcheck disable=SC2086 -- the list is words on purpose
  apt-get install -y -q --no-install-recommends $missing >/dev/null
fi

# npm keeps the lock that it installed; equal locks mean that nothing is to do.
installed=node_modules/.cache/installed-lock.json
if ! cmp -s package-lock.json "$installed"; then
  echo "setup: installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  mkdir -p "$(dirname "$installed")"
  cp package-lock.json "$installed"
fi
