#!/bin/sh
# sentinel.sh - starts a member of compose.sentinel.yaml: sentinel.sh redis|replica|sentinel
#
# A Redis asks the Sentinels who is the master, and follows that; with nobody to ask, as at the first start, "redis" is the master. So one
# that died may come back at any time, and becomes a replica. Names are looked up here and once: for the names of containers that are gone
# Docker's DNS takes seconds to say no, in which a Sentinel would be as good as dead itself.
set -eu

address_of() {
  getent hosts "$1" | cut -d ' ' -f 1
}

# The master's address, as the first Sentinel that answers has it; nothing if none does.
ask_sentinels() {
  for name in sentinel-1 sentinel-2 sentinel-3; do
    timeout 2 redis-cli -h "$name" -p 26379 --raw sentinel get-master-addr-by-name passerby 2>/dev/null | head -n 1 | grep . && return
  done
  return 0
}

start_redis() {
  master=$(ask_sentinels)
  if [ -z "$master" ] && [ "$1" = replica ]; then master=$(address_of redis); fi
  if [ "$master" = "$(address_of "$(hostname)")" ]; then master=; fi
  exec redis-server /run/passerby/redis.conf --bind '* -::*' --save '' --appendonly no --repl-diskless-load swapdb \
    --client-output-buffer-limit 'pubsub 256mb 64mb 60' ${master:+--replicaof "$master" 6379}
}

# It writes what it learns into its own settings: they are in memory.
start_sentinel() {
  master=$(ask_sentinels)
  : "${master:=$(address_of redis)}"
  password=$(sed -n 's/^requirepass //p' /run/passerby/redis.conf)
  (umask 077 && printf '%s\n' "sentinel monitor passerby $master 6379 2" "sentinel auth-pass passerby $password" \
    'sentinel down-after-milliseconds passerby 2000' 'sentinel failover-timeout passerby 10000' >/state/sentinel.conf)
  exec redis-sentinel /state/sentinel.conf
}

case $1 in
  redis | replica) start_redis "$1" ;;
  sentinel) start_sentinel ;;
esac
