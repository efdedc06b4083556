#!/bin/sh
# Install what is missing: npm packages, redis-server, git
# POSIX sh, because it runs before Node 24 is there. Does nothing, in under 0.1 s, when all is there.
set -eu
cd "$(dirname "$0")/../.."

say() { printf '▸ %s\n' "$*" >&2; }
give_up() {
    printf '✗ %s\n' "$1" >&2
    printf '  By hand: %s, then run this again.\n' "$2" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# The stamp is a copy of the lock file that was installed. One that npm itself has just installed from counts as well.
packages_ok() {
    [ -e node_modules/.bin/vitest ] || return 1
    cmp -s package-lock.json node_modules/.raibid-lock && return 0
    [ ! -e node_modules/.raibid-lock ] && [ node_modules/.package-lock.json -nt package-lock.json ] && node24 && cp package-lock.json node_modules/.raibid-lock
}
node24() {
    PATH="node_modules/.bin:$PATH" node -e 'process.exit(process.versions.node.split(".")[0] >= 24 ? 0 : 1)' 2>/dev/null
}
redis_ok() {
    version=$(redis-server --version 2>/dev/null) || return 1
    version=${version#*v=}
    [ "${version%%.*}" -ge 7 ] 2>/dev/null
}
all_ok() { packages_ok && redis_ok && has git && has bash; }

# Runs a command as root, without ever asking for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif has sudo; then sudo -n "$@"; else return 1; fi
}

system_packages() {
    wanted=
    has git || wanted="$wanted git"
    has bash || wanted="$wanted bash"
    redis=redis
    if has apt-get; then redis=redis-server; fi
    redis_ok || wanted="$wanted $redis"
    [ -n "$wanted" ] || return 0
    if has apt-get; then
        install="apt-get install -y -q --no-install-recommends ca-certificates$wanted"
        say "Installing$wanted: apt-get update; $install"
        as_root apt-get update -q >&2 || true
        # shellcheck disable=SC2086
        as_root env DEBIAN_FRONTEND=noninteractive $install >&2 || give_up "$install failed (it needs root, or sudo without a password)." "apt-get update && $install as root"
    else
        if has dnf; then install="dnf install -y$wanted"
        elif has apk; then install="apk add$wanted"
        elif has pacman; then install="pacman -S --noconfirm --needed$wanted"
        elif has brew; then install="brew install$wanted"
        else give_up "Missing:$wanted, and no known package manager (apt-get, dnf, apk, pacman, brew) is here." "install$wanted (redis-server 7.0 or newer)"
        fi
        say "Installing$wanted: $install"
        root=as_root
        if has brew; then root=; fi
        # shellcheck disable=SC2086
        $root $install >&2 || give_up "$install failed (it needs root, or sudo without a password)." "$install as root"
    fi
    redis_ok || give_up "redis-server is not 7.0 or newer ($(redis-server --version 2>&1))." "install redis-server 7.0 or newer, for instance from https://redis.io/docs/install"
}

npm_packages() {
    packages_ok && return 0
    has node && has npm || give_up "Node and npm are not here." "install Node 20 or newer with npm (https://nodejs.org)"
    node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || give_up "Node $(node --version) is too old." "install Node 20 or newer (https://nodejs.org)"
    say 'Installing npm packages: npm ci'
    rm -f node_modules/.raibid-lock
    npm ci --no-audit --no-fund --loglevel=error --include=dev --include=optional >&2 || give_up 'npm ci failed.' 'run npm ci and see what it says'
    node24 || give_up 'Node 24 has no package for this machine.' 'install Node 24 or newer (https://nodejs.org)'
    cp package-lock.json node_modules/.raibid-lock
}

all_ok && exit 0
# Two at once must not write into the same node_modules: the second waits, and then finds everything there.
mkdir -p .raibid
exec 9>.raibid/setup.lock
if has flock; then flock 9; fi
system_packages
npm_packages
printf '✓ All is there.\n' >&2
