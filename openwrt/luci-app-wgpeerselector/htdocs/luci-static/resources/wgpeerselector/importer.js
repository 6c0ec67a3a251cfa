'use strict';
'require baseclass';
'require wgpeerselector.importinterface as importinterface';
'require wgpeerselector.importpeer as importpeer';
'require wgpeerselector.values as values';
'require wgpeerselector.wgquick as wgquick';

/*
 * Peers of wg-quick's files, with the same result as `wgpeerselector import`.
 */

/* What there is to say; what is the same in several files is said of the first, with their number. */
function createNotes() {
	const said = [];

	return {
		/* @param place with key and line, or null for the file as a whole */
		say: (file, severity, place, message) => {
			const key = place ? place.key : null;
			const same = said.find((one) => one.severity === severity && one.key === key && one.message === message);

			if (same == null)
				said.push({ severity: severity, file: file, line: place ? place.line : null, key: key, message: message, more: 0 });
			else if (same.file !== file)
				same.more++;
		},

		all: () => said.map((one) => Object.assign({}, one, { message: withMore(one) }))
	};
}

function withMore(problem) {
	if (problem.more === 0)
		return problem.message;

	return (problem.more === 1)
		? _('%s (and in 1 more file)').format(problem.message)
		: _('%s (and in %d more files)').format(problem.message, problem.more);
}

/* A name that a section may have, as like to the text as can be. */
function uciName(text) {
	return text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+(?=.)|_+$/g, '') || 'peer';
}

function unused(stem, isTaken) {
	let name = stem;

	for (let number = 2; isTaken(name); number++)
		name = stem + '_' + number;

	return name;
}

/* Whether everything is meant to go to that peer. */
function leadsEverywhere(section) {
	return section.entries.some((entry) => entry.key === 'AllowedIPs' && /\/0+(?![0-9])/.test(entry.value));
}

return baseclass.extend({
	uciName: uciName,

	/*
	 * Peers of files, each { name, text }, as ways for one interface.
	 *
	 * known: the peers of the interface that are there already, each { name, public_key }.
	 * isTaken: tells whether the configuration has a section of that name.
	 *
	 * Returns the peers, each { name, options }; whether they make a full tunnel of the interface; and what there is to say, each
	 * { severity, file, line, key, message }, the last three in words.
	 */
	importFiles: function(files, ifname, known, isTaken) {
		const notes = createNotes();
		const peers = [];
		const unreadable = [];
		const names = [ uciName(ifname) ];
		let first = null;
		let fullTunnel = false;

		files.forEach((file) => {
			const shown = values.printable(file.name);
			const say = (severity, place, message) => notes.say(shown, severity, place, message);
			let sections;

			try {
				sections = wgquick.read(file.text);
			}
			catch (error) {
				if (error instanceof Error)
					throw error;

				unreadable.push({ severity: 'error', file: shown, line: error.line, key: null, message: error.message });
				return;
			}

			const facts = importinterface.read(shown, sections, say);
			const found = sections.filter((section) => section.type === 'Peer');

			if (first)
				importinterface.compare(first, facts, say);

			if (found.length === 0)
				say('error', null, _('has no [Peer]: expected the server that it is for'));

			if (found.length > 1)
				say('warning', { key: '[Peer]', line: found[1].line }, _('is not the only one in the file, and wgpeerselector holds one peer at a time: expected servers that do the same'));

			found.forEach((section) => {
				const stem = uciName(file.name.replace(/^.*\//, '').replace(/\.conf$/i, ''));
				const name = unused(stem, (one) => names.indexOf(one) !== -1 || isTaken(one));
				const options = importpeer.read(section, ifname, say);

				if (options == null)
					return;

				const twin = known.concat(peers.map((peer) => ({ name: peer.name, public_key: peer.options.public_key })))
					.find((peer) => peer.public_key === options.public_key);

				names.push(name);
				peers.push({ name: name, options: options });
				first = first || facts;
				fullTunnel = fullTunnel || (!facts.ownTable && leadsEverywhere(section));

				if (twin)
					say('warning', section.entries.filter((entry) => entry.key === 'PublicKey').pop(), _("is also the key of peer '%s'").format(twin.name));
			});
		});

		return { peers: peers, fullTunnel: fullTunnel, problems: unreadable.concat(notes.all()) };
	}
});
