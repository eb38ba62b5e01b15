#!/bin/sh
# first-run.sh - draws the secrets of a cluster once, and writes the settings that hold them: config.json for the nodes, redis.conf for
# Redis.
#
# In: REDIS_URL_SCHEME and REDIS_URL_PLACE, what stands before and behind the password in the nodes' --redis. Run again with others, it
# writes the settings anew, with the same secrets.
set -eu

reader=65532:65532 # the user of the containers that read them

draw() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# write FILE: from standard input, all at once.
write() {
  (umask 077 && cat >"$1.new")
  chmod 400 "$1.new"
  chown "$reader" "$1.new"
  mv "$1.new" "$1"
}

# once FILE: prints the secret in it, which is drawn if there is none.
once() {
  if [ ! -s "$1" ]; then
    (umask 077 && draw >"$1.new")
    mv "$1.new" "$1"
  fi
  cat "$1"
}

# Root's alone: neither the nodes nor Redis are shown these folders' secrets but in their own settings.
secret=$(once /node/secret)
password=$(once /redis/password)

printf 'requirepass %s\nmasterauth %s\n' "$password" "$password" | write /redis/redis.conf
printf '{"secret": "%s", "redis": "%s://:%s@%s"}\n' "$secret" "$REDIS_URL_SCHEME" "$password" "$REDIS_URL_PLACE" | write /node/config.json
