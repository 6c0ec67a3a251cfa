'use strict';
'require baseclass';

/*
 * Files of wg-quick.
 */

const KEYS = {
	Interface: [
		'PrivateKey', 'ListenPort', 'FwMark', 'Address', 'DNS', 'MTU', 'Table',
		'PreUp', 'PostUp', 'PreDown', 'PostDown', 'SaveConfig'
	],
	Peer: [ 'PublicKey', 'PresharedKey', 'Endpoint', 'AllowedIPs', 'PersistentKeepalive' ]
};

function knownKey(type, name) {
	return KEYS[type].find((key) => key.toLowerCase() === name.toLowerCase());
}

/* Sections of a file; throws { line, message } where it is none. */
function read(text) {
	const sections = [];

	text.replace(/^\ufeff/, '').split('\n').forEach((written, i) => {
		const bare = written.split('#')[0];
		const stripped = bare.replace(/\s/g, '');
		const head = /^\[(interface|peer)\]$/i.exec(stripped);
		/* A key of WireGuard is longer, and not to be shown. */
		const entry = /^([A-Za-z0-9]{1,32})=/.exec(stripped);
		const fail = (message) => { throw { line: i + 1, message: message } };

		if (written.indexOf('\0') !== -1)
			fail(_('a NUL byte: expected a text file'));

		if (stripped === '')
			return;

		if (head) {
			sections.push({ type: /^i/i.test(head[1]) ? 'Interface' : 'Peer', line: i + 1, entries: [] });
			return;
		}

		if (!entry)
			fail(_('expected [Interface], [Peer], or Key = value'));

		if (sections.length === 0)
			fail(_('stands before the first section: expected [Interface] above it'));

		const section = sections[sections.length - 1];

		section.entries.push({
			key: knownKey(section.type, entry[1]) || entry[1],
			value: bare.slice(bare.indexOf('=') + 1).trim(),
			line: i + 1
		});
	});

	return sections;
}

function notKnown(type) {
	return _('is not known to wg-quick, and left out: expected one of %s').format(KEYS[type].join(', '));
}

return baseclass.extend({
	read: read,
	notKnown: notKnown
});
