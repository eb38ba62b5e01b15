#!/bin/bash
# init.sh - systemd as the first process of a container, in a cgroup 2 hierarchy of its own: it takes no other any more, and the engine may
# have given another.
set -euo pipefail

mkdir /cgroup
mount -t cgroup2 none /cgroup
mkdir "/cgroup/$HOSTNAME"
echo $$ >"/cgroup/$HOSTNAME/cgroup.procs"
umount /cgroup
exec unshare --cgroup bash -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec /sbin/init'
