# engine.sh - a Docker engine with buildx and compose, and the images that the tests of tests/deploy stand on. Sourced by deploy.sh.
#
# Flow:  engine_start → engine_base_image → engine_plugins → engine_images → the tests → engine_stop (at the end of the script, whatever
#        happened).
# Fails: without an engine, and without the means to start one, engine_start says so in a sentence and returns 1.
#
# An engine that runs already is used and left alone. Images come from their registry, or, where it can't be reached, are made here:
# the base by debootstrap, the others out of Debian's packages (tests/deploy/stand-ins).
# shellcheck shell=bash
# shellcheck disable=SC2154 # dev sets root

engine_pid=
engine_state=
engine_base=debian:trixie-slim
engine_mirror=http://deb.debian.org/debian

engine_start() {
  PATH=$PATH:/usr/sbin:/sbin
  if docker info >/dev/null 2>&1; then return 0; fi
  if ((EUID != 0)) || ! command -v dockerd >/dev/null; then
    echo "deploy-test: no Docker engine is running; start one, or be root with Debian's docker.io installed, or give --no-docker" >&2
    return 1
  fi
  say "starting dockerd"
  mkdir -p "$root/build/logs"
  # Of its own: what an engine that was killed has left elsewhere might name processes that are others by now.
  engine_state=$(mktemp --directory /tmp/passerby-engine.XXXXXX)
  setsid dockerd --exec-root "$engine_state" --pidfile "$engine_state/docker.pid" >"$root/build/logs/dockerd.log" 2>&1 &
  engine_pid=$!
  trap engine_stop EXIT
  local _
  for _ in $(seq 60); do
    if docker info >/dev/null 2>&1; then return 0; fi
    if ! kill -0 "$engine_pid" 2>/dev/null; then break; fi
    sleep 1
  done
  tail -n 5 "$root/build/logs/dockerd.log" >&2
  echo "deploy-test: the Docker engine did not start; build/logs/dockerd.log says why" >&2
  return 1
}

engine_stop() {
  if [[ -n $engine_pid ]]; then
    kill "$engine_pid"
    wait "$engine_pid" || true
    umount "$engine_state"/netns/* 2>/dev/null || true
    rm -rf "$engine_state" 2>/dev/null || true
    engine_pid=
  fi
}

# Where the plug-ins are looked for, when the machine has none.
engine_settings() {
  if docker buildx version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then return; fi
  export DOCKER_CONFIG=$root/build/docker-config
}

# Debian 12 has neither plug-in; Debian 13's are static enough to run there too.
engine_plugins() {
  engine_settings
  if docker buildx version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then return; fi
  local plugins=$DOCKER_CONFIG/cli-plugins
  if [[ ! -x $plugins/docker-compose ]]; then
    say "fetching docker-buildx and docker-compose"
    rm -rf "$plugins"
    mkdir -p "$plugins"
    docker run --rm --volume "$plugins:/plugins" "$engine_base" sh -c '
      apt-get update -q && cd /tmp && apt-get download docker-buildx docker-compose &&
      for package in *.deb; do dpkg-deb -x "$package" x; done && cp x/usr/libexec/docker/cli-plugins/* /plugins' >/dev/null 2>&1
  fi
  docker buildx version >/dev/null && docker compose version >/dev/null
}

# engine_has IMAGE: it is here, or has been pulled.
engine_has() {
  docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1
}

engine_base_image() {
  if engine_has "$engine_base"; then return; fi
  say "making $engine_base"
  local tree
  tree=$(mktemp --directory)
  debootstrap --variant=minbase trixie "$tree/root" "$engine_mirror" >"$tree/log" 2>&1 || {
    tail -n 5 "$tree/log" >&2
    rm -rf "$tree"
    return 1
  }
  rm -rf "$tree/root/var/cache/apt/archives"/*.deb "$tree/root/var/lib/apt/lists"/*
  tar --create --directory "$tree/root" . | docker import - "$engine_base" >/dev/null
  rm -rf "$tree"
}

# engine_stand_in IMAGE TARGET
engine_stand_in() {
  if engine_has "$1"; then return; fi
  say "making a stand-in for $1"
  docker buildx build --quiet --target "$2" --tag "$1" tests/deploy/stand-ins >/dev/null
}

engine_images() {
  engine_stand_in redis:8 redis
  engine_stand_in haproxy:3.0 haproxy
  engine_stand_in prom/prometheus:v3.5.0 prometheus
}
