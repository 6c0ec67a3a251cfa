#!/bin/sh
# Process 1 of the guest once its root folder is there. $1 is the folder in which the host left what to do:
#   modules     symbolic link to the folder of the kernel's modules
#   command.sh  sets the environment and the folder, and becomes the command
#   terminal    exists if the command wants the terminal (hvc0) instead of three streams
# Each stream goes out through a virtio-serial port of its name and ends with the text in `end`;
# the port `status` then carries the command's exit status.
run=$1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/vm /lib/modules /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -sfn /proc/self/fd /dev/fd
ln -sfn fd/0 /dev/stdin
ln -sfn fd/1 /dev/stdout
ln -sfn fd/2 /dev/stderr
mount --bind "$(readlink -f "$run/modules")" /lib/modules
hostname vm
echo 30 >/proc/sys/kernel/hung_task_timeout_secs # whoever waits for a stuck guest sees on what it hangs
for module in virtio_console wireguard veth bridge; do
  modprobe "$module" || echo "start: no module $module"
done

# Without udev nobody makes /dev/virtio-ports/NAME.
port() {
  for tries in 1 2 3 4 5 6 7 8 9 10; do
    for entry in /sys/class/virtio-ports/*; do
      if [ "$(cat "$entry/name" 2>/dev/null)" = "$1" ]; then
        echo "/dev/${entry##*/}"
        return
      fi
    done
    sleep 0.2
  done
  echo "start: no virtio-serial port $1" >/dev/console
  echo /dev/console
}
status=$(port status)
end=$(cat "$run/end")
: >"$run/report"

if [ -e "$run/terminal" ]; then
  setsid -c sh "$run/command.sh" </dev/hvc0 >/dev/hvc0 2>&1
  code=$?
  echo "$end" >/dev/hvc0
else
  mkfifo /run/vm/stdout /run/vm/stderr
  { cat /run/vm/stdout; echo "$end"; } >"$(port stdout)" &
  { cat /run/vm/stderr; echo "$end"; } >"$(port stderr)" &
  setsid sh "$run/command.sh" </dev/null >/run/vm/stdout 2>/run/vm/stderr
  code=$?
fi
{ cat "$run/report"; echo "$end"; } >"$(port report)"
echo "$code" >"$status"

# The host ends the machine when it has read everything. This is for a host that no longer listens.
sleep 60
echo b >/proc/sysrq-trigger
