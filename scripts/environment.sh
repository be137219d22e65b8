# Sourced by scripts/demo and scripts/test: makes .venv and installs pinned requirements, anew only when they changed.

# Prints the first Python 3.11 or newer that can make a virtual environment.
find_python() {
    local candidate
    for candidate in python3.11 python3 python3.12 python3.13; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "escucha: needs Python 3.11 or newer with venv (on Debian: apt-get install python3-venv)" >&2
    return 1
}

# environment FILE: a .venv with the requirements of this file; instant when it has them already.
environment() {
    local python stamp wanted
    stamp=".venv/installed-$(basename "$(dirname "$PWD/$1")")-$(basename "$1")"
    # The folder's path is part of it: a virtual environment does not survive being moved.
    wanted=$({ pwd && cat pyproject.toml requirements.txt "$1"; } | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    if [ "$(cat .venv/made-in 2>/dev/null)" != "$PWD" ]; then
        python=$(find_python)
        rm -rf .venv
        "$python" -m venv .venv
        pwd >.venv/made-in
    fi
    echo "installing $1 into .venv: a few minutes the first time"
    # One line a package, so that a slow download does not look like a hang.
    .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -r "$1" |
        { grep --line-buffered -E '^(Collecting|Installing|Successfully)' || true; }
    echo "$wanted" >"$stamp"
}
