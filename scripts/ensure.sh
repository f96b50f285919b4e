#!/usr/bin/env bash
# Makes sure that what `make run` or `make test` needs is installed, on a bare Debian or Ubuntu.
# usage: scripts/ensure.sh run|test
# When nothing has changed since the last time it only compares a hash and needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:?usage: scripts/ensure.sh run|test}
venv="$PWD/.venv"
run_locks=(requirements.txt requirements-assets.txt)
test_locks=(requirements-dev.txt requirements-spec.txt)

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# The hash also covers this file and the folder: a .venv does not survive being moved.
key_of() { { printf '%s\n' "$PWD"; cat scripts/ensure.sh scripts/assets.sh "$@"; } | sha256sum | cut -d ' ' -f 1; }

is_current() { # KIND: the kind itself, or test, which holds everything that run needs
    [ -x "$venv/bin/python" ] && [ -f static/vendor/htmx.min.js ] || return 1
    [ "$(cat "$venv/.installed-test" 2>/dev/null)" = "$test_key" ] && return 0
    [ "$1" = run ] && [ "$(cat "$venv/.installed-run" 2>/dev/null)" = "$run_key" ]
}

run_key=$(key_of "${run_locks[@]}")
test_key=$(key_of "${run_locks[@]}" "${test_locks[@]}")
is_current "$kind" && exit 0

mkdir -p var
exec 9>var/ensure.lock
flock 9
is_current "$kind" && exit 0 # another make was faster

is_root() { [ "$(id -u)" = 0 ]; }

logged() { # COMMAND...: its output goes to a file, and to the terminal only when it fails
    "$@" >var/install.log 2>&1 || { cat var/install.log >&2; fail "failed: $*"; }
}

apt_is_fresh=
apt_update() {
    if is_root && [ -z "$apt_is_fresh" ]; then logged apt-get update -qq; fi
    apt_is_fresh=yes
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; install it (Debian 12, Ubuntu 24.04 and later: apt-get install python3)"
}

loads() { "$python" -c 'import ctypes, sys; [ctypes.CDLL(name) for name in sys.argv[1:]]' "$@" 2>/dev/null; }
has_font() { command -v fc-list >/dev/null && [ -n "$(fc-list : file | head -n 1)" ]; }
has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null

# Fills `missing` with packages of the system.
look_around() {
    "$python" -c 'import ensurepip' 2>/dev/null ||
        missing+=("$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
    loads libpango-1.0.so.0 libpangoft2-1.0.so.0 libharfbuzz-subset.so.0 ||
        missing+=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0)
    has_font || missing+=(fontconfig fonts-dejavu-core)
    [ "$kind" = test ] || return 0
    command -v pdftoppm >/dev/null || missing+=(poppler-utils)
    loads libatomic.so.1 || missing+=(libatomic1) # the driver of playwright
    has_browser && return
    apt_update
    # Ubuntu has Chromium only as a snap, which containers cannot run; playwright brings one there.
    if apt-cache show chromium >/dev/null 2>&1; then missing+=(chromium); else browser_from_playwright=yes; fi
}

install_packages() { # PACKAGE...
    if ! is_root || ! command -v apt-get >/dev/null; then
        fail "packages are missing; install them with: sudo apt-get install $*"
    fi
    say "installing $* ..."
    apt_update
    logged env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

pip_install() { # -qq: errors only
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes "$@"
}

install_browser() {
    local dependencies=()
    if is_root; then dependencies=(--with-deps); fi
    say "installing a browser for the tests ..."
    logged "$venv/bin/python" -m playwright install "${dependencies[@]}" chromium
}

python=$(find_python)
missing=()
browser_from_playwright=
look_around
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    say "making .venv ..."
    "$python" -m venv --clear "$venv"
fi
say "installing the locked requirements ..."
if [ "$kind" = test ]; then
    pip_install -r requirements-dev.txt
    pip_install --no-deps -r requirements-spec.txt
else
    pip_install -r requirements.txt
fi
scripts/assets.sh "$venv/bin/python"
if [ "$kind" = test ]; then
    [ -z "$browser_from_playwright" ] || install_browser
    printf '%s\n' "$test_key" >"$venv/.installed-test"
fi
printf '%s\n' "$run_key" >"$venv/.installed-run"
