# bench.sh - what ./dev bench needs. Sourced by dev.
# shellcheck shell=bash

bench_build() {
  build release passerby bench_load bench_floor bench_redis_match
  npm_install_in tests/bench
}
