'use strict';
'require baseclass';
'require wgpeerselector.values as values';
'require wgpeerselector.wgquick as wgquick';

/*
 * What becomes of a [Peer] in a file of wg-quick.
 */

/* In the order in which the daemon reads them. */
const OPTIONS = {
	PublicKey: 'public_key',
	PresharedKey: 'preshared_key',
	Endpoint: 'endpoint',
	AllowedIPs: 'allowed_ips',
	PersistentKeepalive: 'persistent_keepalive'
};

/* What is written: for each option the entry of the file that counts, and the words of its value. */
function takeEntries(section, say) {
	const taken = {};

	section.entries.forEach((entry) => {
		/* wg(8) takes all spaces out of a line before it reads it. */
		const word = entry.value.replace(/\s/g, '');
		const option = Object.hasOwn(OPTIONS, entry.key) ? OPTIONS[entry.key] : null;

		if (option == null) {
			say('warning', entry, wgquick.notKnown('Peer'));
		}
		else if (option === 'allowed_ips') {
			word.split(',').filter((one) => one !== '').forEach((one) => {
				taken[option] = (taken[option] || []).concat([ { text: one, place: entry } ]);
			});
		}
		else if (word !== '') {
			taken[option] = [ { text: word, place: entry } ];
		}
	});

	return taken;
}

/* What is wrong with a peer, in the order of its lines. */
function problemsOf(section, taken) {
	const problems = [];
	const head = (key, severity, message) => problems.push({
		severity: severity, place: { key: key, line: section.line }, message: message
	});

	Object.keys(OPTIONS).forEach((key) => {
		const option = OPTIONS[key];

		if (taken[option] == null && values.missing[option])
			head(key, 'error', values.missing[option]);

		(taken[option] || []).forEach((one) => {
			const message = values.peer[option](one.text);

			if (message)
				problems.push({ severity: 'error', place: one.place, message: message });
		});
	});

	if (problems.length === 0) {
		const advice = values.zoneAdvice(taken.endpoint[0].text);

		if (advice)
			problems.push({ severity: 'warning', place: taken.endpoint[0].place, message: advice });

		if (taken.allowed_ips == null)
			head('AllowedIPs', 'warning', _("is missing: nothing will go through this peer; expected list allowed_ips 'ADDRESS/PREFIX'"));
	}

	return problems.sort((a, b) => a.place.line - b.place.line);
}

/* The options of a peer, or null where it cannot be used. */
function readPeer(section, ifname, say) {
	const taken = takeEntries(section, say);
	const problems = problemsOf(section, taken);
	const options = { enabled: '1', ifname: ifname };

	problems.forEach((problem) => { say(problem.severity, problem.place, problem.message) });

	if (problems.some((problem) => problem.severity === 'error'))
		return null;

	Object.keys(taken).forEach((option) => {
		const texts = taken[option].map((one) => one.text);

		options[option] = (option === 'allowed_ips') ? texts : texts[0];
	});

	return options;
}

return baseclass.extend({
	read: readPeer
});
