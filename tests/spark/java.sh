#!/usr/bin/env bash
# Install what Spark runs on: a Java of Debian.
set -euo pipefail
command -v java >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "Missing: java. Next: install it, e.g. sudo apt-get install default-jre-headless" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends default-jre-headless >/dev/null
