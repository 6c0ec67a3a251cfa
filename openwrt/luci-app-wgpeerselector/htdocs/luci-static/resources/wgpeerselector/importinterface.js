'use strict';
'require baseclass';
'require wgpeerselector.values as values';
'require wgpeerselector.wgquick as wgquick';

/*
 * What becomes of [Interface] in a file of wg-quick.
 */

const NOT_RUN = _('is left out, as wgpeerselector runs no commands: expected them where the interface is made');

const ADVICE = {
	DNS: _('is left out: expected list dns in /etc/config/network, or whatever sets name servers here'),
	Table: _("is left out: expected option table in config interface, where routes are not to go to 'main'"),
	PreUp: NOT_RUN,
	PostUp: NOT_RUN,
	PreDown: NOT_RUN,
	PostDown: NOT_RUN,
	SaveConfig: _('is left out: wgpeerselector writes no file')
};

function isAddress(text) {
	const parts = text.split('/');
	const most = /:/.test(text) ? 128 : 32;

	return parts.length <= 2 && values.isAddress(parts[0]) &&
		(parts.length === 1 || (/^[0-9]{1,3}$/.test(parts[1]) && +parts[1] <= most));
}

/* What [Interface] says that the peers have to do with. */
function readInterface(file, sections, say) {
	const facts = { file: file, privateKey: null, addresses: [], ownTable: false };

	sections.filter((section) => section.type === 'Interface').map((section) => section.entries).flat().forEach((entry) => {
		switch (entry.key) {
		case 'PrivateKey':
			if (/^[A-Za-z0-9+\/]{43}=$/.test(entry.value))
				facts.privateKey = entry;
			else
				say('warning', entry, _('is no key: expected 32 bytes in base64'));
			break;

		case 'Address':
			entry.value.split(/[\s,]+/).forEach((address) => {
				if (isAddress(address))
					facts.addresses.push(address);
				else if (address !== '')
					say('warning', entry, _('holds what is no address, which is left out'));
			});
			break;

		case 'MTU':
		case 'FwMark':
		case 'ListenPort':
			if (/^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(entry.value))
				say('warning', entry, _('belongs to the interface: expected it where that is made'));
			else if (entry.value.toLowerCase() !== 'off')
				say('warning', entry, _('is no number, and left out'));
			break;

		default:
			if (entry.key === 'Table' && /^auto$/i.test(entry.value))
				break;

			facts.ownTable = facts.ownTable || entry.key === 'Table';
			say('warning', entry, Object.hasOwn(ADVICE, entry.key) ? ADVICE[entry.key] : wgquick.notKnown('Interface'));
		}
	});

	return facts;
}

/* The interface has one private key, and one set of addresses. */
function compareInterfaces(first, other, say) {
	const sorted = (facts) => facts.addresses.slice().sort().join();

	if (first.privateKey && other.privateKey && first.privateKey.value !== other.privateKey.value)
		say('warning', other.privateKey, _('is not that of %s, and the interface has one: expected a provider who takes that key at this server, too').format(first.file));

	if (sorted(first) !== sorted(other))
		say('warning', null, _('has other addresses than %s: expected one set of addresses, which the interface has').format(first.file));
}

return baseclass.extend({
	read: readInterface,
	compare: compareInterfaces
});
