# parts.sh - runs the parts of a test run one after the other, counts their tests, and sums up. Sourced by dev.
#
# A part is a function. It ends at its first failing command, as under `set -e`, and reports what it counted with count_...; a part
# that reports nothing counts as one test. A failing part does not keep the next from running.
# shellcheck shell=bash

logs=build/logs
counts=/dev/null # of the running part
wrapper=()       # goes before the commands that run tests
total_passed=0
total_failed=0
summary=()

# run_part NAME FUNCTION [ARGUMENT]...
run_part() {
  say "$1"
  part_run "$@"
  part_report "$1"
}

# run_parts_together NAME FUNCTION [NAME FUNCTION]...: at the same time, as of most parts one waits for the other's containers.
run_parts_together() {
  local names=() pids=() name
  while (($# > 0)); do
    say "$1 (beside others)"
    part_run "$1" "$2" &
    pids+=($!)
    names+=("$1")
    shift 2
  done
  wait "${pids[@]}"
  for name in "${names[@]}"; do part_report "$name"; done
}

# part_run NAME FUNCTION [ARGUMENT]...: leaves its log, its counts, and how it ended in $logs.
part_run() {
  local name=$1 status=0 started=$SECONDS
  shift
  mkdir -p "$logs"
  counts=$logs/$name.counts
  : >"$counts"
  # Not "if ( ... )": bash turns `set -e` off inside of a condition.
  set +e
  (
    set -e
    "$@"
  ) >"$logs/$name.log" 2>&1 </dev/null
  status=$?
  set -e
  echo "$status $((SECONDS - started))" >"$logs/$name.result"
}

# part_report NAME: adds it to the totals; the end of its log is shown if anything failed.
part_report() {
  local name=$1 log=$logs/$1.log status seconds passed=0 failed=0 more_passed more_failed line
  read -r status seconds <"$logs/$name.result"
  while read -r more_passed more_failed; do
    passed=$((passed + more_passed))
    failed=$((failed + more_failed))
  done <"$logs/$name.counts"
  if ((status == 0 && passed + failed == 0)); then passed=1; fi
  if ((status != 0 && failed == 0)); then failed=1; fi
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  line=$(printf '%-20s %5d passed %5d failed %5d s' "$name" "$passed" "$failed" "$seconds")
  summary+=("$line")
  if ((failed > 0)); then
    echo "--- the end of $log:"
    tail -n 60 "$log"
    echo "---"
  fi
  echo "$line"
}

# Prints all parts, and the totals alone on the last line. Fails if anything failed.
sum_up() {
  echo
  printf '%s\n' "${summary[@]}"
  echo "$total_passed passed, $total_failed failed"
  ((total_failed == 0 && total_passed > 0))
}

# count PASSED FAILED: more tests of the running part.
count() {
  echo "$1 $2" >>"$counts"
}

# check NAME COMMAND...: one test of the running part; the part goes on when it fails.
check() {
  local name=$1
  shift
  if "$@"; then
    echo "ok - $name"
    count 1 0
  else
    echo "FAILED - $name"
    count 0 1
  fi
}

# sum_of REGEX FILE: adds up the number in each match of the regex, which must hold just one; 0 without a match.
sum_of() {
  { grep -oE "$1" "$2" || true; } | { grep -oE '[0-9]+' || true; } | awk '{ sum += $1 } END { print sum + 0 }'
}

# run_ctest DIRECTORY [OPTION]...: the test programs of a build, counted by their tests. A program that crashed has counted
# nothing, but is failed for ctest.
run_ctest() {
  local directory=$1 output status=0 failed programs_failed
  shift
  output=$directory/Testing/output.log
  mkdir -p "$directory/Testing"
  "${wrapper[@]}" ctest --test-dir "$directory" --verbose --parallel "$(nproc)" --no-tests=error "$@" >"$output" 2>&1 || status=$?
  failed=$(sum_of '\[  FAILED  \] [0-9]+ test\(s\)' "$output")
  programs_failed=$(sum_of ', [0-9]+ tests? failed out of' "$output")
  if ((programs_failed > failed)); then failed=$programs_failed; fi
  count "$(sum_of '\[  PASSED  \] [0-9]+ test\(s\)' "$output")" "$failed"
  if ((status != 0)); then
    tail -n 20 "$output"
    grep -E 'FAILED|ERROR|LINE|Sanitizer|SUMMARY|runtime error|^    #[0-9]' "$output" | head -n 200
    return 1
  fi
  tail -n 5 "$output"
}

# run_node FILE...: tests of Node's own runner. One that was skipped or left to do has failed.
run_node() {
  local output status=0 failed
  output=$(mktemp)
  "${wrapper[@]}" node --test --test-reporter=tap "$@" >"$output" 2>&1 || status=$?
  cat "$output"
  failed=$(sum_of '^# (fail|cancelled|skipped|todo) [0-9]+' "$output")
  if ((status != 0 && failed == 0)); then failed=1; fi
  count "$(sum_of '^# pass [0-9]+' "$output")" "$failed"
  if ((failed > 0)); then
    echo "what failed, in short:"
    grep -E '^ *not ok| error: | # (SKIP|TO[D]O)' "$output" || true
  fi
  rm -f "$output"
  ((failed == 0))
}

# run_counted COMMAND...: a program that ends its output with "N passed, N failed".
run_counted() {
  local output status=0 passed failed
  output=$(mktemp)
  "$@" >"$output" 2>&1 || status=$?
  cat "$output"
  read -r passed failed < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$output" | tail -n 1) || true
  rm -f "$output"
  if [[ -n ${passed:-} ]]; then count "$passed" "$failed"; else return 1; fi
  return "$status"
}
