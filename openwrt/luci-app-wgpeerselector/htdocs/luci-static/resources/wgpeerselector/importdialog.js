'use strict';
'require baseclass';
'require dom';
'require uci';
'require ui';
'require wgpeerselector.importer as importer';
'require wgpeerselector.values as values';

const CONFIG = 'wgpeerselector';

/* A file let fall beside the place for it would take the page's place. */
function ignoreDrop(ev) {
	ev.preventDefault();
}

function readFiles(list) {
	return Promise.all(Array.from(list).map((file) => new Promise((resolve, reject) => {
		const reader = new FileReader();

		reader.onload = () => resolve({ name: file.name, text: reader.result });
		reader.onerror = () => reject(reader.error);
		reader.readAsText(file);
	})));
}

/* The section with the settings of an interface, if there is one. */
function sectionOf(ifname) {
	return uci.sections(CONFIG, 'interface').find((section) => (section.ifname || section['.name']) === ifname);
}

function isTaken(name) {
	return uci.get(CONFIG, name) != null;
}

/* Puts the peers into the configuration, which is saved later. */
function take(result, ifname) {
	result.peers.forEach((peer) => {
		uci.add(CONFIG, 'peer', peer.name);
		Object.keys(peer.options).forEach((option) => { uci.set(CONFIG, peer.name, option, peer.options[option]) });
	});

	if (!result.fullTunnel)
		return;

	const known = sectionOf(ifname);
	const name = importer.uciName(ifname);
	const section = known ? known['.name'] : uci.add(CONFIG, 'interface', isTaken(name) ? null : name);

	if (!known && section !== ifname)
		uci.set(CONFIG, section, 'ifname', ifname);

	uci.set(CONFIG, section, 'full_tunnel', '1');
}

function describe(problem) {
	const place = (problem.line == null) ? problem.file : '%s:%d'.format(problem.file, problem.line);

	return [ place, problem.key, problem.message ].filter((part) => part != null).join(': ');
}

return baseclass.extend({
	take: take,

	importFiles: function(files, ifname) {
		const known = uci.sections(CONFIG, 'peer')
			.filter((peer) => peer.ifname === ifname)
			.map((peer) => ({ name: peer['.name'], public_key: peer.public_key }));

		return importer.importFiles(files, ifname, known, isTaken);
	},

	/*
	 * Asks for files, shows what becomes of them, and puts their peers into the configuration.
	 *
	 * ifnames: the interfaces to offer. save: saves the page, and does what it is given in between: a page that is saved takes away what
	 * it does not show.
	 */
	show: function(ifnames, save) {
		const names = new ui.Combobox(ifnames[0] || 'vpn', Object.fromEntries(ifnames.map((name) => [ name, name ])), {
			validate: (name) => values.peer.ifname(name) || true
		});
		const chooser = E('input', { 'type': 'file', 'accept': '.conf', 'multiple': '', 'style': 'display:none' });
		const text = E('textarea', {
			'class': 'cbi-input-textarea',
			'style': 'width:100%; height:6em; white-space:pre',
			'placeholder': _('Or paste the text of a file here…')
		});
		const report = E('div', { 'style': 'overflow-wrap:anywhere; max-height:40vh; overflow-y:auto' });
		const button = E('button', { 'class': 'btn cbi-button cbi-button-positive', 'disabled': '' }, [ _('Add peers') ]);
		const drop = E('div', { 'style': 'border:2px dashed; border-radius:4px; padding:1em; margin-bottom:1em; text-align:center' }, [
			E('p', [ _('Drag files of wg-quick here, one for each server') ]),
			E('button', { 'class': 'btn cbi-button', 'click': () => chooser.click() }, [ _('Choose files…') ])
		]);
		let files = [];
		let result = null;

		const preview = () => {
			result = this.importFiles(files, names.getValue() || '');
			button.disabled = result.peers.length === 0;

			dom.content(report, files.length ? [
				E('p', [ (result.peers.length === 0)
					? _('There is no peer to add.')
					: _('Peers to add: %s').format(result.peers.map((peer) => peer.name).join(', ')) ]),
				result.fullTunnel ? E('p', [ _('All traffic is meant to go through the tunnel: the option full_tunnel is set for the interface.') ]) : '',
				E('ul', result.problems.map((problem) => E('li', {
					'class': problem.severity,
					'style': (problem.severity === 'error') ? 'font-weight:bold' : null
				}, [ describe(problem) ])))
			] : '');
		};
		const takeFiles = (list) => readFiles(list).then((read) => {
			files = read;
			preview();
		}, (error) => ui.addNotification(null, E('p', [ error.message ]), 'danger'));
		const close = () => {
			window.removeEventListener('dragover', ignoreDrop);
			window.removeEventListener('drop', ignoreDrop);
			ui.hideModal();
		};

		drop.addEventListener('drop', (ev) => takeFiles(ev.dataTransfer.files));
		chooser.addEventListener('change', () => takeFiles(chooser.files));
		text.addEventListener('input', () => {
			files = text.value.trim() ? [ { name: 'peer.conf', text: text.value } ] : [];
			preview();
		});
		button.addEventListener('click', () => {
			preview();

			if (values.peer.ifname(names.getValue() || '') != null || result.peers.length === 0)
				return;

			const ifname = names.getValue();

			close();
			save(() => take(result, ifname));
		});
		window.addEventListener('dragover', ignoreDrop);
		window.addEventListener('drop', ignoreDrop);

		const choice = names.render();

		choice.addEventListener('cbi-dropdown-change', preview);
		ui.showModal(_('Import files of wg-quick'), [
			E('p', [ _('The peers are named after their files. The interface itself, with its private key and its addresses, is made under Network → Interfaces.') ]),
			E('label', { 'style': 'display:block; margin-bottom:1em' }, [ _('Interface'), ' ', choice ]),
			drop, chooser, text, report,
			E('div', { 'class': 'right' }, [
				E('button', { 'class': 'btn', 'click': close }, [ _('Cancel') ]), ' ', button
			])
		]);
	}
});
