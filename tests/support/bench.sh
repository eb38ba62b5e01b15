# bench.sh - what ./dev bench needs. Sourced by dev.
# shellcheck shell=bash

bench_build() {
  build release passerby bench_load bench_floor
  npm_install_in tests/bench
}
