'use strict';
'require view';
'require dom';
'require poll';
'require rpc';
'require uci';
'require ui';
'require wgpeerselector.facts as facts';

const PREFIX = 'wgpeerselector.';
const SECONDS = 3;

/* Long names and addresses break where they must, or a table with them is wider than a phone. */
const LONG = { 'style': 'overflow-wrap:anywhere' };

function call(name, method) {
	return rpc.declare({ object: PREFIX + name, method: method, reject: true })();
}

/* What is told of an interface: null if no process serves it, an Error if it cannot be asked. */
function ask(name, objects) {
	if (objects instanceof Error)
		return Promise.resolve(objects);

	if (objects[PREFIX + name] == null)
		return Promise.resolve(null);

	return Promise.all([ call(name, 'info'), call(name, 'peers') ])
		.then((answers) => ({ info: answers[0], peers: answers[1].peers }))
		.catch((error) => error);
}

/* Does something to an interface; says what failed: in the daemon's own words, or by the status of ubus, which is a number then. */
function order(name, method, args) {
	const declared = rpc.declare({ object: PREFIX + name, method: method, params: Object.keys(args) });
	const failed = (reason) => {
		ui.addNotification(null, E('p', [ '%s %s: %s'.format(name, method, reason) ]), 'danger');
	};

	return declared.apply(null, Object.keys(args).map((key) => args[key])).then((answer) => {
		if (answer)
			failed(answer.message || rpc.getStatusText(answer));
	}, (error) => { failed(error.message) });
}

/* Changes a text only where it differs, so that what somebody selects, or is about to click, stays. */
function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

/* A theme shows the title beside the content on a phone: beside nothing it would be an empty promise. */
function cell(title, content, extra) {
	return E('td', Object.assign({ 'class': 'td', 'data-title': (content === '') ? null : title }, extra), [ content ]);
}

function setCell(node, title, text) {
	if (text === '')
		node.removeAttribute('data-title');
	else
		node.setAttribute('data-title', title);

	setText(node, text);
}

/* Widths are those of the first columns: without one a long name takes the place of what stands beside it. */
function heads(titles, widths) {
	return E('tr', { 'class': 'tr table-titles' }, titles.map((title, i) => E('th', { 'class': 'th', 'width': widths[i] }, [ title ])));
}

/*
 * What is shown of one interface. It is made once for each set of peers; what changes is written into it.
 */
function createCard(name, onOrder) {
	const readonly = L.hasViewPermission() ? null : '';
	const message = E('p', { 'class': 'alert-message warning', 'style': 'display:none' });
	const summary = E('table', { 'class': 'table' });
	const peers = E('div');
	const failures = E('div');
	const button = (title, label, method, args) => E('button', {
		'class': 'btn cbi-button cbi-button-action',
		'title': title,
		'disabled': readonly,
		'click': ui.createHandlerFn(null, () => order(name, method, args).then(onOrder))
	}, [ label ]);
	const next = E('p', [ button(_('Leaves the peer and goes on with the round'), _('Next peer'), 'next', {}) ]);
	let shown = null;
	let shownFailures = null;
	let states = {};
	let times = [];

	function showSummary(info) {
		const rows = facts.of(info);

		while (summary.childNodes.length > rows.length)
			summary.removeChild(summary.lastChild);

		rows.forEach((row, i) => {
			if (summary.childNodes.length <= i)
				summary.appendChild(E('tr', { 'class': 'tr' }, [
					E('td', { 'class': 'td left', 'width': '33%' }), E('td', Object.assign({ 'class': 'td left' }, LONG))
				]));

			setText(summary.childNodes[i].childNodes[0], row[0]);
			setText(summary.childNodes[i].childNodes[1], row[1]);
		});
	}

	function showPeers(table, info) {
		const key = JSON.stringify(table);

		if (key !== shown) {
			shown = key;
			states = {};
			dom.content(peers, E('table', { 'class': 'table' }, [
				heads([ _('Peer'), _('Endpoint'), _('State'), '' ], [ '33%', '33%' ])
			].concat(Object.keys(table).map((one) => {
				states[one] = cell(_('State'), '');

				return E('tr', { 'class': 'tr' }, [
					cell(_('Peer'), one, LONG),
					cell(_('Endpoint'), E('span', table[one].endpoints.map((endpoint) => E('div', [ endpoint ]))), LONG),
					states[one],
					cell(null, table[one].enabled ? button(_('Connects to this peer now'), _('Connect'), 'select', { peer: one }) : '', { 'class': 'td right' })
				]);
			}))));
		}

		Object.keys(table).forEach((one) => { setCell(states[one], _('State'), facts.stateOfPeer(one, table[one], info)) });
	}

	function showFailures(list) {
		const key = JSON.stringify(list.map((one) => [ one.peer, one.remote_address, one.reason ]));

		if (key !== shownFailures) {
			shownFailures = key;
			times = list.map(() => cell(_('When'), ''));
			dom.content(failures, (list.length === 0) ? '' : [
				E('h4', [ _('Latest failures') ]),
				E('table', { 'class': 'table' }, [
					heads([ _('When'), _('Peer'), _('Address'), _('Reason') ], [ null, '25%', '25%', '33%' ])
				].concat(list.map((one, i) => E('tr', { 'class': 'tr' }, [
					times[i],
					cell(_('Peer'), one.peer, LONG),
					cell(_('Address'), one.remote_address || '', LONG),
					cell(_('Reason'), one.reason, LONG)
				]))))
			]);
		}

		list.forEach((one, i) => { setCell(times[i], _('When'), facts.ago(one.ago)) });
	}

	function show(told) {
		const answered = told !== null && !(told instanceof Error);

		[ summary, peers, failures, next ].forEach((node) => { node.style.display = answered ? '' : 'none' });
		message.style.display = answered ? 'none' : '';

		if (answered) {
			showSummary(told.info);
			showPeers(told.peers, told.info);
			showFailures(told.info.failures);
		}
		else {
			setText(message, (told === null)
				? _('No process serves %s. Is its interface of protocol wgpeerselector up, or the service enabled, and is there a peer that is enabled?').format(name)
				: _('No answer for %s: %s').format(name, told.message));
		}
	}

	return {
		show: show,
		node: E('div', { 'class': 'cbi-section', 'data-interface': name }, [
			E('h3', [ name ]), message, summary, next, peers, failures
		])
	};
}

return view.extend({
	load: function() {
		return L.resolveDefault(uci.load('wgpeerselector'));
	},

	/* Those that the configuration names, and those that somebody serves. */
	interfaceNames: function(objects) {
		const configured = uci.sections('wgpeerselector', 'peer').map((peer) => peer.ifname);
		const served = Object.keys((objects instanceof Error) ? {} : objects).map((path) => path.slice(PREFIX.length));

		return configured.concat(served).filter((name, i, all) => name && all.indexOf(name) === i).sort();
	},

	refresh: function() {
		return rpc.list(PREFIX + '*').catch((error) => error).then((objects) => {
			const all = this.interfaceNames(objects);

			return Promise.all(all.map((name) => ask(name, objects))).then((told) => this.show(all, told));
		});
	},

	show: function(all, told) {
		Object.keys(this.cards).filter((name) => all.indexOf(name) === -1).forEach((name) => {
			this.cards[name].node.remove();
			delete this.cards[name];
		});

		all.forEach((name, i) => {
			if (this.cards[name] == null) {
				this.cards[name] = createCard(name, () => this.refresh());
				this.list.appendChild(this.cards[name].node);
			}

			this.cards[name].show(told[i]);
		});

		this.empty.style.display = all.length ? 'none' : '';
	},

	render: function() {
		this.cards = {};
		this.list = E('div');
		this.empty = E('p', { 'style': 'display:none' }, [
			E('em', [ _('There are no peers yet. They are entered under Peers and Settings.') ])
		]);

		poll.add(() => this.refresh(), SECONDS);

		return this.refresh().then(() => E('div', [
			E('h2', [ _('WireGuard Peers') ]), this.empty, this.list
		]));
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
