'use strict';
'require baseclass';
'require wgpeerselector.addresses as addresses';
'require wgpeerselector.wording as wording';

/*
 * What is wrong with an endpoint, in the words of `wgpeerselector check`.
 */

function hostName(text) {
	const name = text.replace(/\.$/, '');

	if (/[^\0-\x7f]/.test(name))
		return _('%s is no host name: expected its ASCII form (xn--...)').format(wording.quote(text));

	if (name.length > 253)
		return _('%s is no host name: expected at most 253 characters').format(wording.quote(text));

	const labels = name.split('.');

	for (let i = 0; i < labels.length; i++) {
		if (labels[i] === '')
			return _('%s is no host name: expected at least one character between dots').format(wording.quote(text));

		if (labels[i].length > 63)
			return _('%s is no host name: expected at most 63 characters between dots').format(wording.quote(text));

		if (/[^A-Za-z0-9_-]/.test(labels[i]))
			return _('%s is no host name: expected only letters, digits, - and dots').format(wording.quote(text));

		if (/^-|-$/.test(labels[i]))
			return _('%s is no host name: expected no - next to a dot or at the ends').format(wording.quote(text));
	}

	return null;
}

/* An address that stands for no host, or for many. */
function oneHost(text) {
	switch (addresses.special(text)) {
	case 'unspecified':
		return _('%s stands for no host: expected the address of one').format(wording.quote(text));
	case 'broadcast':
		return _('%s stands for every host: expected the address of one').format(wording.quote(text));
	case 'multicast':
		return _('%s stands for a group of hosts: expected the address of one').format(wording.quote(text));
	default:
		return null;
	}
}

function host6(text) {
	const percent = text.indexOf('%');
	const bare = (percent === -1) ? text : text.slice(0, percent);
	const words = addresses.parse6(bare);

	if (words == null)
		return _('%s is no IPv6 address: expected one between the brackets').format(wording.quote(text));

	if (addresses.mapped(words))
		return _('%s is an IPv4-mapped address: expected %s, without brackets').format(wording.quote(text), addresses.mapped(words));

	const many = oneHost(bare);

	if (many || percent === -1 || wording.ifname(text.slice(percent + 1)) == null)
		return many;

	return _('%s has no usable zone: expected an interface behind the %%, as in fe80::1%%eth0').format(wording.quote(text));
}

function host4(text) {
	if (addresses.parse4(text) == null)
		return _('%s is no IPv4 address: expected four numbers from 0 to 255, without leading zeros').format(wording.quote(text));

	return oneHost(text);
}

/* @param behind from the colon on */
function port(whole, behind) {
	if (behind === '')
		return _('is %s, without a port: expected host:port, as in gw.example.org:51820').format(wording.quote(whole));

	if (/^:[0-9]{1,5}$/.test(behind) && +behind.slice(1) >= 1 && +behind.slice(1) <= 65535)
		return null;

	return _('is %s: expected a port from 1 to 65535 behind the last colon').format(wording.quote(whole));
}

function check(text) {
	const bracketed = /^\[([^\]]*)\]([\s\S]*)$/.exec(text);

	if (bracketed)
		return host6(bracketed[1]) || port(text, bracketed[2]);

	const colon = text.lastIndexOf(':');

	if (text.indexOf(':') !== colon)
		return _('is %s: expected an IPv6 address in brackets, as in [2001:db8::1]:51820').format(wording.quote(text));

	const host = (colon === -1) ? text : text.slice(0, colon);
	const wrong = port(text, (colon === -1) ? '' : text.slice(colon));

	if (wrong)
		return wrong;

	if (host === '')
		return _('is %s: expected a host before the colon').format(wording.quote(text));

	/* No top level domain is a number. */
	return /(^|\.)[0-9]+$/.test(host) ? host4(host) : hostName(host);
}

/* A link-local address needs a zone: an advice for an endpoint without fault, or null. */
function zoneAdvice(text) {
	const bracketed = /^\[([^\]%]*)\](.*)$/.exec(text);
	const words = bracketed && addresses.parse6(bracketed[1]);

	if (!words || !addresses.isLinkLocal(words))
		return null;

	return _('is a link-local address without a zone: expected the interface too, as in %s')
		.format('[' + addresses.format6(words) + '%eth0]' + ':' + Number(bracketed[2].slice(1)));
}

return baseclass.extend({
	check: check,
	zoneAdvice: zoneAdvice
});
