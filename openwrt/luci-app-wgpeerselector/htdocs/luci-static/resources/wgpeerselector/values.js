'use strict';
'require baseclass';
'require wgpeerselector.addresses as addresses';
'require wgpeerselector.endpoint as endpoint';
'require wgpeerselector.wording as wording';

/*
 * What an option may say. Each check takes a text and returns what is wrong, in the words of `wgpeerselector check`, or null.
 */

const MAX_U32 = 4294967295;

/* The message has places for the text and for the bounds. */
function whole(least, most, message) {
	return (text) => (/^[0-9]{1,15}$/.test(text) && +text >= least && +text <= most)
		? null : message.format(wording.quote(text), least, most);
}

function seconds(least, most) {
	return whole(least, most, _('is %s: expected seconds, a whole number from %d to %d'));
}

function secondsOrOff(least, most) {
	const number = whole(least, most, _('is %s: expected 0 for off, or seconds, a whole number from %d to %d'));

	return (text) => (text.toLowerCase() === 'off' || /^0{1,15}$/.test(text)) ? null : number(text);
}

function key(text) {
	const foreign = /[^A-Za-z0-9+\/=]/.exec(text);

	if (/^[0-9a-f]{64}$/i.test(text))
		return _('is in hexadecimal digits: expected 32 bytes in base64, 44 characters of which the last is =');

	if (foreign)
		return _('has a character at place %d that base64 does not have: expected 32 bytes in base64, 44 characters of which the last is =').format(foreign.index + 1);

	if (text.length === 43 && text.indexOf('=') === -1)
		return _('lacks the = at its end: expected 32 bytes in base64, 44 characters of which the last is =');

	if (text.length !== 44)
		return _('has length %d: expected 32 bytes in base64, 44 characters of which the last is =').format(text.length);

	if (text.indexOf('=') !== 43)
		return _('is not padded as 32 bytes are: expected 32 bytes in base64, 44 characters of which the last is =');

	if (!/[AEIMQUYcgkosw048]=$/.test(text))
		return _('ends in %s, which no key can: expected one of AEIMQUYcgkosw048 before the = (it was cut off or mistyped)').format(text.slice(-2));

	return null;
}

function publicKey(text) {
	return key(text) || (/^A+=$/.test(text) ? _('is all zeros: expected the public key of a peer') : null);
}

function allowedIp(text) {
	if (/^(any|all|default)$/i.test(text))
		return _('%s is no address: expected 0.0.0.0/0 for all of IPv4, ::/0 for all of IPv6').format(wording.quote(text));

	const slash = text.indexOf('/');
	const address = (slash === -1) ? text : text.slice(0, slash);
	const ipv4 = addresses.parse4(address) != null;
	const most = ipv4 ? 32 : 128;

	if (!ipv4 && addresses.parse6(address) == null)
		return _('%s is no address: expected address or address/prefix, as in 10.0.0.0/8 or fd00::/64').format(wording.quote(text));

	if (slash === -1 || (/^[0-9]{1,3}$/.test(text.slice(slash + 1)) && +text.slice(slash + 1) <= most))
		return null;

	return _('%s has no usable prefix: expected a number from 0 to %d behind the /').format(wording.quote(text), most);
}

function innerAddress(text) {
	const special = addresses.special(text);

	if (addresses.parse4(text) == null && addresses.parse6(text) == null)
		return _('is %s: expected an IPv4 or IPv6 address inside the tunnel, without prefix, port and zone').format(wording.quote(text));

	return special ? _('is %s (%s): expected the address of a host inside the tunnel').format(wording.quote(text), special) : null;
}

/* Which names the router knows cannot be seen from here: any will do that is not meant as a number. */
function table(text) {
	const number = /^([1-9][0-9]{0,9}|0x[0-9a-f]{1,8})$/i.test(text) ? +text : 0;

	if ((number >= 1 && number <= MAX_U32) || /^[^0-9+-]/.test(text))
		return null;

	return _('is %s: expected a routing table, a number from 1 to %d or a name from /etc/iproute2/rt_tables').format(wording.quote(text), MAX_U32);
}

/* An entry of a list: people write separators between them. */
function entry(check) {
	return (text) => {
		if (!/[,;]/.test(text))
			return check(text);

		return (/[,;]/.exec(text)[0] === ',')
			? _('%s has a comma: expected spaces between entries, or a list line for each').format(wording.quote(text))
			: _('%s has a semicolon: expected spaces between entries, or a list line for each').format(wording.quote(text));
	};
}

return baseclass.extend({
	peer: {
		ifname: wording.ifname,
		public_key: publicKey,
		endpoint: entry(endpoint.check),
		allowed_ips: entry(allowedIp),
		persistent_keepalive: secondsOrOff(1, 65535),
		preshared_key: key,
		priority: whole(0, 65535, _('is %s: expected a priority (smaller is better), a whole number from %d to %d')),
		weight: whole(1, 100, _('is %s: expected a weight, a whole number from %d to %d'))
	},

	interface: {
		ifname: wording.ifname,
		connect_timeout: seconds(1, 3600),
		check_interval: seconds(1, 3600),
		dead_peer_timeout: seconds(10, 86400),
		metric: whole(0, MAX_U32, _('is %s: expected a route metric, a whole number from %d to %d')),
		table: table,
		ntp_timeout: seconds(1, 3600),
		probe_interval: secondsOrOff(1, 3600),
		probe_timeout: secondsOrOff(5, 3600),
		probe_address: innerAddress,
		check_address: innerAddress,
		failback_interval: secondsOrOff(10, 86400),
		max_age: secondsOrOff(60, 31536000)
	},

	/* What an option must have that is not there. */
	missing: {
		ifname: _("is missing: expected the WireGuard interface, as in option ifname 'vpn'"),
		public_key: _('is missing: expected the public key of the peer, 44 characters'),
		endpoint: _("is missing: expected host:port, as in option endpoint 'gw.example.org:51820'")
	},

	/* A full tunnel's rules must not lead into a table with other routes. */
	fullTunnelTable: function(text, name) {
		if (!/^(default|main|local)$/.test(text) && [ 253, 254, 255 ].indexOf(Number(text)) === -1)
			return null;

		return _("is one of the kernel's own, so %s is not served: expected a table of its own for full_tunnel, or none: it is 51887 then").format(name);
	},

	isAddress: (text) => addresses.parse4(text) != null || addresses.parse6(text) != null,
	zoneAdvice: endpoint.zoneAdvice,
	printable: wording.printable
});
