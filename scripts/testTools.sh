#!/usr/bin/env bash
# Before `npm test`: what the tests need beside npm's packages is there, or is installed (as root, on Debian), or is named in one line.
set -euo pipefail
postgres_bin=/usr/lib/postgresql/15/bin
has_all() {
  command -v psql >/dev/null && command -v tmux >/dev/null && [ -x "$postgres_bin/pg_waldump" ] && [ -x "$postgres_bin/pgbench" ]
}
has_all && exit
need="Debian 12's postgresql-15, postgresql-client-15 and tmux"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "the tests need $need: install them, then run npm test again" >&2
  exit 1
fi
echo "installing $need" >&2
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends postgresql-15 postgresql-client-15 tmux; } >&2 || ! has_all; then
  echo "could not install $need: install them, then run npm test again" >&2
  exit 1
fi
