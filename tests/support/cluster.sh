# cluster.sh - ./dev cluster: Redis, three nodes and HAProxy on this machine, to try the service and to break it. Sourced by dev.
#
# Flow:  a folder for secret, logs and configuration → Redis → the nodes → HAProxy → what to open and how to break it → Ctrl-C.
# Fails: a port that is taken, or a part that does not come up: says so, and ends what it has started. What is killed stays dead
#        until it is started again by the command that is printed.
# Owns:  the processes, ended by their ids, and the folder.
# shellcheck shell=bash
# shellcheck disable=SC2154 # dev sets root

cluster_nodes=3
cluster_port=8000
cluster_redis_port=6400

cluster_run() {
  cluster_folder=$(mktemp --directory)
  trap cluster_end EXIT
  trap 'exit 0' INT TERM
  cluster_write_files
  cluster_free "$cluster_port" "$cluster_redis_port" $(seq 8101 $((8100 + cluster_nodes))) $(seq 9101 $((9100 + cluster_nodes)))
  "$cluster_folder/redis"
  local node
  for node in $(seq "$cluster_nodes"); do "$cluster_folder/node" "$node"; done
  haproxy -f "$cluster_folder/haproxy.cfg" -D -p "$cluster_folder/haproxy.pid" 2>"$cluster_folder/haproxy.log"
  for node in $(seq "$cluster_nodes"); do cluster_wait "http://127.0.0.1:$((9100 + node))/readyz"; done
  cluster_wait "http://127.0.0.1:$cluster_port/api/stats"
  cluster_tell
  sleep infinity &
  wait "$!"
}

# cluster_free PORT...: fails if anybody listens there.
cluster_free() {
  local port
  for port; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "dev: cluster: port $port of 127.0.0.1 is taken" >&2
      return 1
    fi
  done
}

# The commands that start Redis and a node are files, so that whoever has ended one can start it again.
cluster_write_files() {
  local folder=$cluster_folder node
  (umask 077 && openssl rand -base64 32 >"$folder/secret")
  cat >"$folder/redis" <<END
#!/bin/sh
exec redis-server --bind 127.0.0.1 --port $cluster_redis_port --save "" --appendonly no --daemonize yes \\
  --dir $folder --pidfile $folder/redis.pid --logfile $folder/redis.log >/dev/null
END
  cat >"$folder/node" <<END
#!/bin/sh
# node N: starts it, in the background.
$root/build/passerby --redis redis://127.0.0.1:$cluster_redis_port --secret-file $folder/secret \\
  --listen 127.0.0.1:\$((8100 + \$1)) --internal-listen 127.0.0.1:\$((9100 + \$1)) \\
  --trusted-proxies 127.0.0.1/32 --drain-delay 2s >>$folder/node\$1.log 2>&1 &
echo \$! >$folder/node\$1.pid
END
  chmod +x "$folder/redis" "$folder/node"
  {
    cat <<END
# No affinity is needed: people may resume anywhere. The nodes ping every 25 s, so an idle tunnel lives.
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  option forwardfor
  option redispatch
  retries 3
frontend people
  bind 127.0.0.1:$cluster_port
  default_backend nodes
backend nodes
  balance leastconn
  option httpchk GET /readyz
  default-server inter 500ms fall 2 rise 1
END
    for node in $(seq "$cluster_nodes"); do
      echo "  server node$node 127.0.0.1:$((8100 + node)) check port $((9100 + node))"
    done
  } >"$folder/haproxy.cfg"
}

# cluster_wait URL: until it answers well.
cluster_wait() {
  local _
  for _ in $(seq 150); do
    if curl --silent --fail --output /dev/null --max-time 1 "$1"; then return 0; fi
    sleep 0.2
  done
  echo "dev: cluster: $1 does not answer; the logs:" >&2
  tail -n 5 "$cluster_folder"/*.log >&2
  return 1
}

cluster_tell() {
  local folder=$cluster_folder
  cat <<END

  Open      http://127.0.0.1:$cluster_port        in two tabs, and talk; or: build/passerby chat ws://127.0.0.1:$cluster_port/ws
  Check     build/passerby probe http://127.0.0.1:$cluster_port
  Look      curl http://127.0.0.1:$cluster_port/api/stats        curl http://127.0.0.1:9101/metrics        tail -f $folder/node1.log

  Break it, and see that no chat ends and no message is lost (nodes are 1, 2, 3):
    kill a node         kill -9 \$(cat $folder/node2.pid)            start it again: $folder/node 2
    freeze it           kill -STOP \$(cat $folder/node2.pid)         thaw it: kill -CONT \$(cat $folder/node2.pid)
    drain it            curl -X POST http://127.0.0.1:9102/drain     start it again: $folder/node 2
    empty Redis         redis-cli -p $cluster_redis_port flushall
    stop Redis          redis-cli -p $cluster_redis_port shutdown nosave      start it again, empty: $folder/redis
    cut connections     redis-cli -p $cluster_redis_port client kill type pubsub      (or: type normal)

  Ctrl-C ends all of it.
END
}

cluster_end() {
  local file pid
  for file in "$cluster_folder"/*.pid; do
    if [[ -s $file ]] && read -r pid <"$file" && cluster_is_ours "$pid"; then
      kill -CONT "$pid" 2>/dev/null || true
      kill -INT "$pid" 2>/dev/null || true
    fi
  done
  for file in "$cluster_folder"/*.pid; do
    if [[ -s $file ]] && read -r pid <"$file"; then
      while kill -0 "$pid" 2>/dev/null && cluster_is_ours "$pid"; do sleep 0.1; done
    fi
  done
  rm -rf "$cluster_folder"
}

# Is it one of those that we have started, and not another that has got the id since?
cluster_is_ours() {
  tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qE "passerby |redis-server |haproxy "
}
