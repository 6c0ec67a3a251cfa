#!/bin/sh
# Runs a command in a world of its own: started by unshare with new network, mount and process namespaces, so
# that whatever the command makes (network namespaces, mounts, processes) is gone when it ends.
set -e
mount --make-rprivate /
# `ip netns` keeps its names below /run. The host's sockets there (a name service, say) stay out of reach too.
resolv=$(readlink -f /etc/resolv.conf) || resolv=
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock
case "$resolv" in
/run/*)
  mkdir -p "${resolv%/*}"
  : >"$resolv"
  ;;
esac
ip link set lo up
# Not by exec: this shell is process 1 here and takes care of those whose parents have died.
set +e
"$@"
exit $?
