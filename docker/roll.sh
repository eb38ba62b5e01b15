#!/usr/bin/env bash
# roll.sh - replaces the nodes of compose.yaml one after the other by nodes of the present image and settings. No chat ends.
#
#   docker/roll.sh [-f docker/compose.tls.yaml]...      the files that the cluster was started with, behind compose.yaml
#
# Flow:  for each old node: a new one is started → it is healthy → the old one is stopped: it drains, and its people move.
# Fails: a new node that does not become healthy ends it, with the old ones untouched; run it again when that is mended.
set -euo pipefail

compose=(docker compose -f "$(dirname "${BASH_SOURCE[0]}")/compose.yaml" "$@")
mapfile -t old < <("${compose[@]}" ps --quiet node)
if ((${#old[@]} == 0)); then
  echo "roll.sh: no node runs; start the cluster first" >&2
  exit 1
fi

for node in "${old[@]}"; do
  "${compose[@]}" up --detach --wait --no-deps --no-recreate --scale "node=$((${#old[@]} + 1))" node
  docker stop "$node" >/dev/null
  docker rm "$node" >/dev/null
done
