/*
 * A collector of prometheus-node-exporter-ucode: the same series as `wgpeerselector metrics`, from the daemon's objects on ubus. A test runs
 * this file as JavaScript, which it is as well as ucode: so no loop goes over a list by `in`.
 */

const prefix = "wgpeerselector.";
const paths = ubus.list() ?? []; /* asked for some it gives their methods, and not their names */
const answers = {};

for (let i = 0; i < length(paths); i++) {
	if (substr(paths[i], 0, length(prefix)) != prefix)
		continue;

	const answer = ubus.call(paths[i], "metrics");
	if (answer)
		answers[substr(paths[i], length(prefix))] = answer;
}

if (!length(answers))
	return false;

/* What has not happened yet is 0, and not missing. */
const states = [ "waiting-for-interface", "setting-clock", "connecting", "established", "pausing", "stopped" ];
const failures = [ "no-handshake", "no-address", "refused", "interrupted", "trouble" ];
const losses = [
	"no-answer", "handshake-too-old", "no-data", "interface-gone", "removed-by-others", "told-to", "better-peer", "max-age", "trouble"
];
const clock_states = [ "off", "unsynchronised", "querying", "synchronised" ];

/* Has a metric of all interfaces: `samples` is called with each answer, and with what takes labels and a value, or nothing if that is null. */
function each(metric, samples) {
	for (let ifname in answers)
		samples(answers[ifname], (labels, value) => metric({ interface: ifname, ...labels }, value));
}

function one_of(known, state, sample) {
	for (let i = 0; i < length(known); i++)
		sample({ state: known[i] }, known[i] == state);
}

function by_code(known, counts, sample) {
	for (let i = 0; i < length(known); i++)
		sample({ code: known[i] }, counts[known[i]] ?? 0);
}

/* A bound with a point in it, so that it is the same label for all who write it. */
function decimal(value) {
	const text = `${value}`;

	return index(text, ".") < 0 ? text + ".0" : text;
}

each(gauge("wgpeerselector_connected", "Whether a peer is connected."),
	(answer, sample) => sample({}, answer.state == "established"));

each(gauge("wgpeerselector_peer_info", "The peer that is connected, as a label."),
	(answer, sample) => answer.peer ? sample({ peer: answer.peer }, 1) : null);

each(gauge("wgpeerselector_state", "What the daemon does for the interface: 1 for one of the states."),
	(answer, sample) => one_of(states, answer.state, sample));

each(counter("wgpeerselector_attempts_total", "Addresses of peers that were tried."),
	(answer, sample) => sample({}, answer.attempts));

each(counter("wgpeerselector_failures_total", "Attempts that failed, by the reason."),
	(answer, sample) => by_code(failures, answer.failures, sample));

each(counter("wgpeerselector_losses_total", "Connections that were lost or left, by the reason."),
	(answer, sample) => by_code(losses, answer.losses, sample));

each(counter("wgpeerselector_failovers_total", "Connections to another peer than the one before."),
	(answer, sample) => sample({}, answer.failovers));

/* The exporter knows no histograms: without a type, which nobody who asks for a quantile needs. */
const duration = "wgpeerselector_connect_duration_seconds";

each(counter(duration + "_bucket", null, true), (answer, sample) => {
	const bounds = answer.connect_seconds.bounds;
	const counts = answer.connect_seconds.counts;
	let count = 0;

	for (let i = 0; i < length(counts); i++) {
		count += counts[i];
		sample({ le: i < length(bounds) ? decimal(bounds[i]) : "+Inf" }, count);
	}
});

each(counter(duration + "_count", null, true), (answer, sample) => {
	const counts = answer.connect_seconds.counts;
	let count = 0;

	for (let i = 0; i < length(counts); i++)
		count += counts[i];

	sample({}, count);
});

each(counter(duration + "_sum", null, true),
	(answer, sample) => sample({}, answer.connect_seconds.sum));

each(gauge("wgpeerselector_handshake_age_seconds", "Time since the latest handshake."),
	(answer, sample) => sample({}, answer.handshake_age));

each(gauge("wgpeerselector_silence_seconds", "Time since something came in from the peer, at most."),
	(answer, sample) => sample({}, answer.silence));

each(gauge("wgpeerselector_round_trip_seconds", "How long a handshake takes to and fro."),
	(answer, sample) => sample({}, answer.round_trip));

each(gauge("wgpeerselector_clock_state", "How far the clock is set by NTP: 1 for one of the states."),
	(answer, sample) => one_of(clock_states, answer.clock.state, sample));

each(gauge("wgpeerselector_clock_plausible", "Whether the clock is later than the build of the program."),
	(answer, sample) => sample({}, answer.clock.plausible));
