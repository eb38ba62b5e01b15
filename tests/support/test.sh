# test.sh - the parts of ./dev test. Sourced by dev.
#
# Extending: write a function part_..., and a line in test_parts.
# shellcheck shell=bash
# shellcheck disable=SC2154 # dev sets root

sim_steps=100000 # of each seed
sim_seeds=40     # of each run
fuzz_seconds=30
least_coverage=95

test_parts() {
  run_part build-release build release
  run_part build-dev build dev
  run_part build-clang build clang
  run_part lint lint_checks
  run_part house part_house
  run_part unit-gcc run_ctest build-dev
  run_part unit-clang run_ctest build-clang
  run_part page-client part_page_client
  run_part models part_models
  run_part simulator part_simulator
  run_part threads part_threads
  run_part coverage part_coverage
  run_part metrics part_metrics
  run_part deploy-files part_deploy_files
  run_part chart part_chart
  run_part end-to-end part_e2e
  run_part faults part_faults
  run_part end-to-end-asan part_e2e_sanitized
  run_part independent-client part_independent_client
  run_part memory part_memory
  run_part bench part_bench
  run_part guard part_guard
  run_part chromium part_browser chromium
  run_part firefox part_browser firefox
  run_part valgrind part_valgrind
  run_part fuzz part_fuzz
}

part_house() {
  # shellcheck source=tests/support/house.sh
  source tests/support/house.sh
  house_checks
}

part_page_client() {
  run_node tests/unit/web/*.test.mjs
}

# The same programs as elsewhere under ThreadSanitizer, and a crowd on four workers. It needs its addresses where it expects
# them: no randomisation, where that can be turned off.
part_threads() {
  build tsan
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
  # shellcheck disable=SC2034 # parts.sh uses it
  if setarch --addr-no-randomize true 2>/dev/null; then wrapper=(setarch --addr-no-randomize); fi
  run_ctest build-tsan
  npm_install
  PASSERBY_BIN=$root/build-tsan/passerby run_node tests/e2e/crowd.test.mjs
}

# Every state of three small pictures of the cluster.
part_models() {
  run_counted tests/model/run.sh
}

# 24 million steps, of 240 seeds.
part_simulator() {
  local broker first
  for broker in memory redis; do
    for first in 1 41 81; do
      check "simulator, $broker, $sim_seeds seeds from $first" \
        build/tests/sim/sim --broker "$broker" --seed "$first" --seeds "$sim_seeds" --steps "$sim_steps"
    done
  done
}

part_coverage() {
  build coverage
  find build-coverage -name '*.gcda' -delete
  ctest --test-dir build-coverage --parallel "$(nproc)" --output-on-failure --no-tests=error
  local room
  for room in core wire; do
    check "at least $least_coverage % of the lines of src/$room" \
      gcovr --root . --filter "src/$room/" --fail-under-line "$least_coverage" build-coverage
  done
}

# /metrics of a running node, as Prometheus judges it.
part_metrics() {
  local log port pid
  log=$(mktemp)
  build/passerby --listen 127.0.0.1:0 --internal-listen 127.0.0.1:0 --drain-spread 0 --drain-timeout 0 2>"$log" &
  pid=$!
  # shellcheck disable=SC2064 # its number now, not when the part ends
  trap "kill $pid 2>/dev/null || true; rm -f '$log'" EXIT
  for _ in $(seq 100); do
    port=$(sed -nE 's/.*internal listening.*port=([0-9]+).*/\1/p' "$log")
    if [[ -n $port ]] || ! kill -0 "$pid"; then break; fi
    sleep 0.1
  done
  cat "$log"
  check "promtool check metrics" promtool_check "$port"
  kill "$pid"
  check "SIGTERM ends it with status 0" wait "$pid"
}

promtool_check() {
  curl --silent --show-error --fail --max-time 10 "http://127.0.0.1:$1/metrics" | promtool check metrics
}

part_e2e() {
  npm_install
  run_node tests/e2e/*.test.mjs
}

# Real nodes, a real Redis, 200 people talking, and what befalls them.
part_faults() {
  npm_install
  run_node tests/e2e/cluster/*.test.mjs
}

part_e2e_sanitized() {
  npm_install
  PASSERBY_BIN=$root/build-dev/passerby run_node tests/e2e/{contract,transport}-*.test.mjs
}

# The contract once more in valgrind's eyes, as far as its patience goes.
part_valgrind() {
  npm_install
  E2E_WAIT_MS=120000 PASSERBY_BIN=$root/tests/support/valgrind-passerby run_node tests/e2e/contract-{find,talk,resume}.test.mjs
}

# Debian's own python3, which has its packages: another one may stand before it in the path.
part_independent_client() {
  run_counted /usr/bin/python3 tests/e2e/independent.py build/passerby
}

part_memory() {
  run_counted /usr/bin/python3 tests/e2e/memory.py build/passerby
}

# Its figures mean nothing on a machine that does other things meanwhile; that it runs, and that it notices lies, does.
part_bench() {
  bench_build
  run_node tests/bench/*.test.mjs
}

part_guard() {
  bench_build
  run_counted node tests/bench/guard.mjs
}

# part_browser NAME: the page in that browser. One file after the other: two browsers at a time are enough for the machine.
part_browser() {
  npm_install
  BROWSER=$1 run_node --test-concurrency=1 tests/e2e/browser/*.test.mjs
}

part_fuzz() {
  fuzz "" "$fuzz_seconds"
}

# fuzz TARGET SECONDS: one target, or with "" each of them. What it learns stays in build-fuzz/corpus.
fuzz() {
  local names name passed=0 failed=0
  mapfile -t names < <(basename -s .c tests/fuzz/fuzz_*.c)
  if [[ -n $1 && " ${names[*]} " != *" fuzz_${1#fuzz_} "* ]]; then
    echo "dev: \"$1\": no such fuzz target; there are: ${names[*]}" >&2
    return 2
  fi
  if [[ -n $1 ]]; then names=("fuzz_${1#fuzz_}"); fi
  build fuzz "${names[@]}"
  for name in "${names[@]}"; do
    if fuzz_one "$name" "$2"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  count "$passed" "$failed"
  ((failed == 0))
}

fuzz_one() {
  local name=$1 seconds=$2 corpus=build-fuzz/corpus/$1 seeds=() program
  program=$(find build-fuzz -name "$name" -type f -perm -u+x)
  if [[ -d tests/fuzz/corpus/${name#fuzz_} ]]; then seeds=("tests/fuzz/corpus/${name#fuzz_}"); fi
  mkdir -p "$corpus"
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/$name-" "$corpus" "${seeds[@]}"
}
