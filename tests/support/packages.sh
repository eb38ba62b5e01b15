# packages.sh - which Debian packages what needs, and installing those that are missing. Sourced by dev.
# shellcheck shell=bash

say() {
  if [[ -t 2 ]]; then printf '\033[1m== %s\033[0m\n' "$*" >&2; else echo "== $*" >&2; fi
}

# The packages of a group, for this release of Debian.
packages_of() {
  case $1 in
    build)
      echo cmake ninja-build gcc libc6-dev git pkg-config brotli gzip \
        libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libjansson-dev libutf8proc-dev libssl-dev zlib1g-dev libcmocka-dev libhiredis-dev
      ;;
    clang) echo clang "$(clang_runtime)" ;;
    test) echo gcovr valgrind prometheus curl openssl python3 python3-websockets procps redis-server spin tcc ;;
    bench) echo strace redis-server valgrind ;;
    cluster) echo redis-server haproxy openssl curl ;;
    browser) echo chromium firefox-esr webkit2gtk-driver xvfb fonts-dejavu-core ;;
    deploy) echo yamllint systemd unzip prometheus shellcheck openssl ;;
    engine)
      echo debootstrap iptables qemu-user-static binutils
      # Another engine than Debian's will do, and would be in the way of it.
      if ! command -v dockerd >/dev/null || dpkg-query --show docker.io >/dev/null 2>&1; then engine_packages; fi
      ;;
    lint) echo shellcheck yamllint clang-format pmccabe groff-base binutils ;;
  esac
}

# 12, 13 …
debian_release() {
  if [[ -r /etc/os-release ]]; then (. /etc/os-release && echo "${VERSION_ID:-}"); fi
}

# clang's sanitizers and libFuzzer: the package is named after the release's version of clang.
clang_runtime() {
  case $(debian_release) in
    12) echo libclang-rt-14-dev ;;
    13) echo libclang-rt-19-dev ;;
    *) echo libclang-rt-dev ;;
  esac
}

# Debian 12 has the command in docker.io, and no plug-ins: engine.sh fetches them.
engine_packages() {
  case $(debian_release) in
    12) echo docker.io ;;
    *) echo docker.io docker-cli docker-buildx docker-compose ;;
  esac
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "dev: to install packages, be root or install sudo; the command is: $*" >&2
    return 1
  fi
}

# need_packages GROUP...: installs what is missing of them.
need_packages() {
  local wanted=() missing=() present group package
  for group in "$@"; do
    mapfile -t more < <(packages_of "$group" | tr ' ' '\n')
    wanted+=("${more[@]}")
    # Any Node.js from 18 on will do, wherever it comes from.
    if [[ $group == test || $group == lint ]] && ! command -v node >/dev/null; then wanted+=(nodejs npm); fi
  done
  if ! command -v apt-get >/dev/null; then
    say "not a Debian system: install by other means what is missing of: ${wanted[*]}"
    return
  fi
  present=$(dpkg-query --show --showformat='${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
  for package in "${wanted[@]}"; do
    grep -qx "ii  $package" <<<"$present" || missing+=("$package")
  done
  if ((${#missing[@]} > 0)); then
    say "installing ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
  fi
}

# The npm packages of the end-to-end tests.
npm_install() {
  npm_install_in tests/e2e
}

# npm_install_in FOLDER: what its package-lock.json has; quick when it is there.
npm_install_in() {
  local folder=$1
  local installed=$folder/node_modules/.package-lock.json
  if [[ ! -e $installed || $folder/package-lock.json -nt $installed ]]; then
    say "installing the npm packages of $folder"
    npm ci --prefix "$folder" --no-audit --no-fund
    touch "$installed"
  fi
}
