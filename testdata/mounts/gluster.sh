#!/usr/bin/env bash
# Starts a GlusterFS of four bricks on loopback, without glusterd, and mounts it.
#
#	gluster.sh start DIR MOUNT...   keeps everything else in DIR, for example the process id
#	                                of a mount in a file named after it, which ends in ".client"
#	gluster.sh stop DIR MOUNT...
set -euo pipefail
bricks=4

start() {
	local dir=$1 n port=${GLUSTER_PORT:-25170}
	shift
	mkdir -p "$dir"
	: >"$dir/client.vol"
	for ((n = 0; n < bricks; n++)); do
		mkdir -p "$dir/brick$n"
		cat >"$dir/brick$n.vol" <<-VOL
			volume posix
			  type storage/posix
			  option directory $dir/brick$n
			end-volume
			volume locks
			  type features/locks
			  subvolumes posix
			end-volume
			volume server
			  type protocol/server
			  option transport-type tcp
			  option transport.socket.bind-address 127.0.0.1
			  option transport.socket.listen-port $((port + n))
			  option auth.addr.locks.allow 127.0.0.1
			  subvolumes locks
			end-volume
		VOL
		glusterfsd -f "$dir/brick$n.vol" -p "$dir/brick$n.pid" -l "$dir/brick$n.log"
		cat >>"$dir/client.vol" <<-VOL
			volume brick$n
			  type protocol/client
			  option transport-type tcp
			  option remote-host 127.0.0.1
			  option remote-port $((port + n))
			  option remote-subvolume locks
			end-volume
		VOL
	done
	cat >>"$dir/client.vol" <<-VOL
		volume all
		  type cluster/distribute
		  subvolumes brick0 brick1 brick2 brick3
		end-volume
	VOL
	for mount; do
		mkdir -p "$mount"
		glusterfs -f "$dir/client.vol" -p "$dir/$(basename "$mount").client" -l "$dir/client.log" "$mount"
		for ((n = 0; n < 100; n++)); do
			mountpoint -q "$mount" && mkdir -p "$mount/.ready" 2>/dev/null && break
			sleep 0.1
		done
		rmdir "$mount/.ready"
	done
}

stop() {
	local dir=$1 pid
	shift
	for mount; do
		! mountpoint -q "$mount" || umount -l "$mount"
	done
	for pid in "$dir"/*.pid; do
		[ ! -f "$pid" ] || kill "$(cat "$pid")"
	done
}

"$@"
