#!/bin/sh
# netifd's protocol `wgpeerselector`: runs the daemon for a WireGuard interface.
#
#     config interface 'vpn_peerselector'
#             option proto 'wgpeerselector'
#             option ifname 'vpn'             the WireGuard interface
#             option unix_group 'nogroup'     optional: the group that firewall rules match on
#             option up_when_connected '1'    optional: up while a peer is connected, instead of while the daemon runs
#
# netifd runs this file in its own folder, with `dump`, or with `setup` or `teardown` of one interface.
# shellcheck shell=dash disable=SC1091,SC2034

[ -n "$INCLUDE_ONLY" ] || {
	. /lib/functions.sh
	. ../netifd-proto.sh
	init_proto "$@"
}

PROGRAM=/usr/bin/wgpeerselector
# Where the daemon keeps peers that it was given at run time, if it is to. The init script makes it, too.
KEPT=/var/run/wgpeerselector

proto_wgpeerselector_init_config() {
	proto_config_add_string unix_group
	# Known so that it is not refused. There is nothing to do for it: only one peer is connected, and packets between
	# peers go the way that the routes say.
	proto_config_add_boolean transitive
	proto_config_add_boolean up_when_connected
	# teardown is told how the daemon ended (in ERROR).
	lasterror=1
}

# Where the daemon for a device keeps its process id. The init script knows it too.
wgpeerselector_pid_file() {
	echo "/var/run/wgpeerselector.$1.pid"
}

# Prints the process id of the daemon for a device, if there is one. A pid file may be stale and its number somebody else's, for
# instance an editor's in which our configuration is open: only a process with our arguments in their places is ours, which
# are those behind the program, or behind Node and the program.
wgpeerselector_pid() {
	local file pid
	file=$(wgpeerselector_pid_file "$1")
	pid=$(cat "$file" 2>/dev/null) || return 1
	case "$pid" in '' | *[!0-9]*) return 1 ;; esac
	[ "$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | sed '1{/wgpeerselector$/!d;}' | sed -n 2,5p)" = "$(printf '%s\n' --interface "$1" --pid-file "$file")" ] ||
		return 1
	echo "$pid"
}

# Prints the name of another of netifd's interfaces of our protocol that serves the device: one that is up, or one that is not yet, by its
# own wish, and has a daemon. (One that is being set up has none: of two that are, both would give way.)
wgpeerselector_rival() {
	local config="$1"
	local device="$2"
	local filter="@.proto=\"wgpeerselector\" && @.device=\"$device\""
	local dump pid follower
	dump=$(ubus call network.interface dump 2>/dev/null) && [ -n "$dump" ] || return 1
	pid=$(wgpeerselector_pid "$device") &&
		follower=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | sed -n '/^--netifd$/{n;p;}')
	{
		jsonfilter -s "$dump" -e "@.interface[$filter && @.up=true].interface"
		[ -z "$follower" ] ||
			jsonfilter -s "$dump" -e "@.interface[$filter && @.pending=true && @.interface=\"$follower\"].interface"
	} | grep -v -m 1 -x -F -e "$config"
}

proto_wgpeerselector_setup() {
	local config="$1"
	local device="$2"
	local unix_group up_when_connected pid rival
	json_get_vars unix_group up_when_connected
	[ "$up_when_connected" = 1 ] || up_when_connected=''

	# Two would take the device away from each other for ever. Without a command netifd takes this for failed.
	rival=$(wgpeerselector_rival "$config" "$device") && {
		proto_notify_error "$config" DEVICE_IN_USE \
			"$device is served for interface '$rival' already: expected one interface of proto wgpeerselector for each device"
		proto_block_restart "$config"
		return
	}

	# In a setup no daemon of netifd's runs for this device. One that does is an orphan of a netifd that died. It would stand
	# in the way; killed (not asked to end) it leaves its peer in the kernel, where the new one finds it and goes on with it.
	pid=$(wgpeerselector_pid "$device") && kill -KILL "$pid"

	# Without this the interface would come up as soon as the device exists, and stay when the tunnel interface goes down.
	# A subshell, as these functions share their variables.
	( proto_add_host_dependency "$config" '' "$device" )

	mkdir -p "$KEPT"
	# With --netifd the daemon does this itself, when there is a connection.
	[ -n "$up_when_connected" ] || {
		proto_init_update "$device" 1
		proto_send_update "$config"
	}

	proto_run_command "$config" "$PROGRAM" --interface "$device" \
		--pid-file "$(wgpeerselector_pid_file "$device")" \
		${unix_group:+--group "$unix_group"} \
		${up_when_connected:+--netifd "$config"}
}

# netifd calls this for ifdown, when the tunnel interface is lost, and when the daemon has ended by itself; only then ERROR
# holds its exit status (0 also for a signal). What follows then is the next setup, at once: whoever does not want that
# forbids it here. There are 5 seconds for everything.
proto_wgpeerselector_teardown() {
	local config="$1"
	local device="$2"

	case "$ERROR" in
	64 | 77) wgpeerselector_give_up "$config" "$device" NOT_STARTED ;;
	69) wgpeerselector_give_up "$config" "$device" NO_WIREGUARD ;;
	78) wgpeerselector_give_up "$config" "$device" CONFIGURATION ;;
	73)
		# No pid file: /var/run may be full, and have room later.
		proto_notify_error "$config" NO_PID_FILE "see logread"
		sleep 3
		;;
	75)
		# Another process serves the device. If it is our procd service, it lets go now that netifd has an interface for it.
		[ -x /etc/init.d/wgpeerselector ] && /etc/init.d/wgpeerselector reload
		sleep 3
		;;
	'') ;;
	# It crashed or was killed: the kernel still has the peer, so that a second without a daemon does no harm.
	*) sleep 1 ;;
	esac
	proto_kill_command "$config"
}

# Starting again would not help before somebody has changed something: no further start until `ifup`, or until the init
# script sees a new configuration. `ifstatus` shows why.
wgpeerselector_give_up() {
	local config="$1"
	local device="$2"
	local code="$3"
	local reason

	proto_block_restart "$config"
	# First without the reason: to look for it may take longer than the time there is. netifd keeps the last one told.
	proto_notify_error "$config" "$code" "see logread"
	reason=$("$PROGRAM" check --interface "$device" 2>&1 | grep -m 1 '^error ') &&
		proto_notify_error "$config" "$code" "$reason"
}

[ -n "$INCLUDE_ONLY" ] || add_protocol wgpeerselector
