#!/bin/sh
# Sets the workspace up, builds it, and runs a command on the locked Node: sh scripts/run.sh COMMAND…
set -eu
. "$(dirname "$0")/setup.sh"
# Debian's npm is older than the locked Node, which warns of what it uses.
NODE_OPTIONS=--disable-warning=DEP0169 npm run --silent build
exec "$@"
