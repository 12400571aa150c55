#!/bin/sh
# Sets the workspace up, builds it, and runs a command on the locked Node: sh scripts/run.sh COMMAND…
set -eu
. "$(dirname "$0")/setup.sh"
# Debian's npm calls functions that the newer Node warns about.
NODE_NO_WARNINGS=1 npm run --silent build
exec "$@"
