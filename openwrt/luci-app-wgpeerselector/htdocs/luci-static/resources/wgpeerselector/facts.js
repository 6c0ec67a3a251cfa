'use strict';
'require baseclass';

/*
 * What the daemon tells of an interface, in words.
 */

const STATES = {
	'waiting-for-interface': _('waiting for the interface'),
	'setting-clock': _('setting the clock'),
	'connecting': _('connecting'),
	'established': _('connected'),
	'pausing': _('no peer is usable, pausing'),
	'stopped': _('stopped')
};

function duration(seconds) {
	const minutes = Math.floor(seconds / 60);
	const hours = Math.floor(minutes / 60);

	if (seconds < 120)
		return _('%d s').format(seconds);

	if (minutes < 120)
		return _('%d min').format(minutes);

	if (hours < 48)
		return _('%d h %d min').format(hours, minutes % 60);

	return _('%d d %d h').format(hours / 24, hours % 24);
}

function ago(seconds) {
	return _('%s ago').format(duration(seconds));
}

function names(list) {
	return list.length ? list.join(', ') : _('none');
}

/* What is told of a connection, in order: label and value. */
function of(info) {
	const rows = [];
	const state = STATES[info.state] || info.state;
	const add = (label, value) => rows.push([ label, value ]);

	add(_('State'), _('%s, since %s').format(state, duration(info.since)));

	if (info.peer != null)
		add(_('Peer'), (info.remote_address != null) ? _('%s at %s').format(info.peer, info.remote_address) : info.peer);

	if (info.handshake_age != null)
		add(_('Latest handshake'), (info.round_trip_ms != null)
			? _('%s, round trip %d ms').format(ago(info.handshake_age), info.round_trip_ms)
			: ago(info.handshake_age));

	if (info.rx_bytes != null)
		add(_('Data'), _('%s received, %s sent').format('%1024.1mB'.format(info.rx_bytes), '%1024.1mB'.format(info.tx_bytes)));

	add(_('Tried in this round'), names(info.round.tried));
	add(_('Next in this round'), names(info.round.untried));

	if (info.full_tunnel != null)
		add(_('Full tunnel'), names([ info.full_tunnel.ipv4 && 'IPv4', info.full_tunnel.ipv6 && 'IPv6' ].filter(Boolean)));

	if (info.route_conflicts.length)
		add(_('Routes in the way'), info.route_conflicts.map((one) => '%s: %s'.format(one.destination, one.reason)).join('; '));

	if (!info.clock.plausible)
		add(_('Clock'), info.clock.message || _('not plausible'));

	return rows;
}

function stateOfPeer(name, peer, info) {
	if (!peer.enabled)
		return _('disabled');

	if (name !== info.peer)
		return '';

	return (info.state === 'established') ? _('connected') : _('connecting');
}

return baseclass.extend({
	of: of,
	ago: ago,
	stateOfPeer: stateOfPeer
});
