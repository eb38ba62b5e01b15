#!/usr/bin/env bash
# run.sh - has Spin look at every state of the models, and shows that the checks can fail: with a fault seeded, none holds.
#
#   tests/model/run.sh [--thorough]     a minute or two on two cores; --thorough (more faults at once) an hour, and 12 GiB
#
# Needs: spin; tcc, or else gcc, which takes a hundred times as long to compile what Spin writes.
# Flow:  the lines of checks() and mutants() → Spin writes a verifier → compiled and run, two at a time → its verdict is judged.
# Fails: a violation, a search that was cut short (memory, depth, time), or a seeded fault that nothing finds.
# Extending: a check is a line of checks(); a seeded fault an #ifdef M_... in a model, and a line of mutants().
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
compiler=$(command -v tcc || command -v gcc)
export here work compiler
export most_seconds=3600 most_mib=1900

# MODEL KIND FLAGS...: KIND is what to look for: states (assertions, and the judge's) or cycles (runs without an end).
checks() {
  cat <<'END_OF_CHECKS'
match states -DFAULTS=1
match cycles -DFAULTS=1 -DTWO_PEOPLE
match states -DFAULTS=1 -DTWO_PEOPLE -DPICKY=1 -DTALKER=0
rebind states -DFAULTS=2
rebind cycles -DFAULTS=2
rebind states -DFAULTS=2 -DTALK -DIN_ORDER
delivery states -DFAULTS=2
delivery cycles -DFAULTS=2
END_OF_CHECKS
}

thorough_checks() {
  cat <<'END_OF_CHECKS'
match states -DFAULTS=2 -DTWO_PEOPLE
match states -DFAULTS=1 -DTALKER=0
match states -DFAULTS=1 -DTALKER=1
match states -DFAULTS=1 -DPICKY=1
match cycles -DFAULTS=1
rebind states -DFAULTS=3 -DIN_ORDER
delivery states -DFAULTS=3
END_OF_CHECKS
}

# The same with one fault seeded each. -REVERSE (the search in another order) finds some of them sooner.
mutants() {
  cat <<'END_OF_MUTANTS'
match states -DFAULTS=1 -DM_ABORT_UNMARKED
match states -DFAULTS=1 -DM_CLAIM_LEAVES_TICKET
match states -DFAULTS=1 -DM_EARLY_END_LOST
match states -DFAULTS=2 -DTWO_PEOPLE -DM_GIVEN_UP_SILENTLY -REVERSE
match states -DFAULTS=1 -DM_NOT_TOLD_AGAIN
match states -DFAULTS=0 -DM_ORDER_TRUSTED
match states -DFAULTS=1 -DM_REQUEUED_UNREAD
match states -DFAULTS=1 -DM_RESUMED_OVERTAKES
match states -DFAULTS=1 -DM_SUSPECT_NOT_TOLD
match states -DFAULTS=1 -DM_TAKES_ANY
match states -DFAULTS=1 -DM_UNWANTED_STAYS
rebind states -DFAULTS=3 -DM_ASKED_FOR_NOBODY -REVERSE
rebind states -DFAULTS=2 -DM_ASTRAY_KEPT
rebind states -DFAULTS=2 -DM_CLOCKLESS
rebind states -DFAULTS=2 -DM_ENDED_UNASKED
rebind states -DFAULTS=2 -DM_END_FROM_ANYWHERE
rebind states -DFAULTS=3 -DM_GIVES_WAY_UNASKED
rebind cycles -DFAULTS=2 -DM_GONE_FOR_EVER
rebind states -DFAULTS=2 -DM_GONE_UNPROBED
rebind states -DFAULTS=2 -DM_HALF_OPEN_RESUME
rebind states -DFAULTS=2 -DM_HOLD_OVERWRITES
rebind states -DFAULTS=2 -DM_KILLED_SPEAKS_LATER
rebind states -DFAULTS=2 -DTALK -DIN_ORDER -DM_NEWS_UNANSWERED
rebind states -DFAULTS=2 -DM_NOT_FENCED
rebind states -DFAULTS=2 -DM_NOT_HELD
rebind states -DFAULTS=2 -DM_NOT_STAYING
rebind states -DFAULTS=2 -DM_NOT_SYNCED
rebind states -DFAULTS=2 -DM_OVERTAKEN_LOST
delivery states -DFAULTS=2 -DM_ACKS_CHECKED
delivery states -DFAULTS=2 -DM_COUNTS_FROM_ONE
delivery states -DFAULTS=2 -DM_NEVER_AGAIN
delivery states -DFAULTS=2 -DM_NO_BASE
delivery states -DFAULTS=2 -DM_SHOWS_ALL
END_OF_MUTANTS
}

# search MODEL KIND FLAGS...: leaves the verifier's words in ./verdict.
search() {
  local model=$1 kind=$2 flag spin_flags=() cc_flags=(-O0 -DCOLLAPSE "-DMEMLIM=$most_mib") pan_flags=(-m100000 -w22 -n)
  for flag in "${@:3}"; do
    if [[ $flag == -D* ]]; then spin_flags+=("$flag"); else cc_flags+=("-D${flag#-}"); fi
  done
  if [[ $kind == cycles ]]; then
    cc_flags+=(-DNP)
    pan_flags+=(-l)
  else
    cc_flags+=(-DSAFETY)
  fi
  spin -a "${spin_flags[@]}" "$here/$model.pml" >spin.log 2>&1 || { cat spin.log; return 1; }
  "$compiler" "${cc_flags[@]}" -o pan pan.c >cc.log 2>&1 || { cat cc.log; return 1; }
  timeout "$most_seconds" ./pan "${pan_flags[@]}" >verdict 2>&1 || true
}

# Has the whole of it been searched?
complete() {
  grep -q 'errors: 0$' verdict && ! grep -qE 'not completed|too small|truncated|limit' verdict
}

states_of() {
  sed -nE 's/^ *([0-9]+) states, stored.*/\1/p' verdict
}

# judge EXPECTED MODEL KIND FLAGS...: one line, which begins with "ok" or "FAILED".
judge() {
  local expected=$1 place
  place=$(mktemp --directory "$work/XXXXXX")
  cd "$place"
  shift
  if ! search "$@"; then
    echo "FAILED - $*: could not be built"
  elif [[ $expected == holds ]] && complete; then
    echo "ok - $*: $(states_of) states"
  elif [[ $expected == holds ]]; then
    echo "FAILED - $*: $(grep -m 1 -E '^pan:|limit' verdict || echo "no verdict in $most_seconds s")"
  elif grep -qE '^pan:1: (assertion violated|non-progress cycle)' verdict && ! grep -q 'q_full\|nfull' verdict; then
    echo "ok - $*: found after $(states_of) states"
  else
    echo "FAILED - $*: the seeded fault was not found"
  fi
  rm -rf "$place"
}
export -f search complete states_of judge

# all EXPECTED: judges the lines that come in, two at a time.
all() {
  sed "s/^/$1 /" | xargs --max-procs=2 --max-lines=1 bash -c 'set -euo pipefail; judge "$@"' judge
}

if [[ ${1:-} == --thorough ]]; then
  most_seconds=7200 most_mib=12000
  thorough_checks | all holds | tee "$work/results"
else
  { checks | all holds && mutants | all fails; } | tee "$work/results"
fi
passed=$(grep -c '^ok' "$work/results" || true)
failed=$(grep -cv '^ok' "$work/results" || true)
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
