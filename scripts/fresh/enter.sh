#!/bin/sh
# Makes the folder $1 the root folder, with the machine's devices, and runs the rest of the command line there. Started in
# mount and process namespaces of its own, with which all mounts go, whatever happens. Not by chroot, in which the kernel
# makes no user namespaces.
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
shift
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mkdir -p .machine
pivot_root . .machine
umount --lazy /.machine
rmdir /.machine
# Not by exec: this shell is process 1 here and takes care of those whose parents have died.
set +e
"$@"
exit $?
