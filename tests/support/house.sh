# house.sh - the house rules that tools can judge: who may know whom, what core and wire may call, what documents must say.
# Sourced by test.sh.
# shellcheck shell=bash

most_file_lines=500

house_checks() {
  check "rooms include only what they may" house_includes
  check "core calls nothing outside" house_calls core
  check "wire calls nothing outside" house_calls wire
  check "no file of the product has more than $most_file_lines lines" house_file_lines
  check "nothing is left to do" house_left_to_do
  check "README.md lists every option" house_options
  check "OPERATIONS.md explains every metric" house_metrics
  check "the manual page is well-formed" house_manual
}

# Arrows: main -> {node -> {net, wire, core, broker}, client} -> base -> include.
house_includes() {
  local bad=0 room file header
  for room in base wire core broker net client node; do
    while IFS=: read -r file header; do
      if ! house_may_include "$room" "$header"; then
        echo "$file: \"$header\""
        bad=1
      fi
    done < <(grep -HoE '^#include ["<][^">]+' "src/$room"/*.[ch] | sed -E 's/#include ["<]//')
  done
  return "$bad"
}

house_may_include() {
  local room=$1 header=$2
  case $header in
    libwebsockets.h) [[ $room == net || $room == client ]] ;;
    uv.h) [[ $room == net || $room == client || $room == node || $room == broker ]] ;;
    jansson.h | utf8proc.h) [[ $room == wire || $room == client ]] ;;
    hiredis/*) [[ $room == broker ]] ;;
    openssl/*) [[ $room == base || $room == net || $room == broker || $room == client || $room == node ]] ;;
    passerby/config.h) [[ $room == node ]] ;;
    passerby/net.h | passerby/log.h | passerby/clock.h | passerby/transport.h | passerby/metrics.h)
      [[ $room != core && $room != wire ]]
      ;;
    sys/* | unistd.h | time.h | fcntl.h | pthread.h | netinet/* | arpa/*) [[ $room != core && $room != wire ]] ;;
    passerby/* | base/*) return 0 ;;
    ../*) return 1 ;;
    *.h) [[ -e src/$room/$header ]] || ! house_is_ours "$header" ;;
  esac
}

# Is it another room's header, rather than the system's?
house_is_ours() {
  compgen -G "src/*/$1" >/dev/null
}

# What the library leaves undefined must be defined by base, or be on this list: no clocks, no files, no sockets, no randomness.
house_calls() {
  local allowed='mem(chr|cmp|cpy|move|set)|str(casecmp|ncasecmp|chr|cmp|cspn|len|ncmp|nlen|pbrk|rchr|spn|str|tod|tol|toll|toul|toull)|__isoc.*_strto.*'
  allowed+='|snprintf|vsnprintf|qsort|bsearch|free|abort|__assert_fail|__ctype_.*|__stack_chk_fail|json_.*|utf8proc_.*'
  allowed+='|__(asan|ubsan|sanitizer)_.*|_GLOBAL_OFFSET_TABLE_'
  allowed+='|(buffer|heap|list|map|memory|pool|slab|base64url|utf8)_.*'
  local library=build-dev/lib$1.a outside
  [[ -s $library ]] || { echo "$library has not been built"; return 1; }
  outside=$(comm -23 <(nm -u "$library" | awk 'NF == 2 { print $2 }' | sort -u) \
    <(nm --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort -u) | grep -vxE "$allowed" || true)
  if [[ -n $outside ]]; then
    echo "$library calls:" "$outside"
    return 1
  fi
}

house_file_lines() {
  local long
  long=$(files src include tests/support dev | xargs wc -l |
    awk -v most="$most_file_lines" '$2 != "total" && $1 > most')
  if [[ -n $long ]]; then
    echo "$long"
    return 1
  fi
}

house_left_to_do() {
  local word='TO''DO|FIX''ME|XX''X'
  if files . | grep -vE '\.(png|svg|lock)$|package-lock.json' | xargs grep -nIwE "$word"; then return 1; fi
}

# The tables in the README are the output of `passerby config --markdown`, line by line.
house_options() {
  local tables missing
  tables=$(build/passerby config --markdown) || return 1
  missing=$(echo "$tables" | grep -vxF -f README.md | sort -u | grep . || true)
  if [[ -n $missing ]]; then
    echo "README.md lacks:" "$missing"
    return 1
  fi
}

house_metrics() {
  local name bad=0
  while read -r name; do
    if ! grep -qF "\`$name" OPERATIONS.md; then
      echo "OPERATIONS.md lacks $name"
      bad=1
    fi
  done < <(grep -oE '^METRIC_[A-Z]+\([A-Z_]+, "passerby_[a-z_]+"' include/passerby/metrics.def | grep -oE 'passerby_[a-z_]+')
  return "$bad"
}

house_manual() {
  local complaints
  complaints=$(groff -man -Tutf8 -ww -z build/passerby.1 2>&1)
  if [[ -n $complaints ]]; then
    echo "$complaints"
    return 1
  fi
}
