'use strict';
'require view';
'require form';
'require uci';
'require wgpeerselector.importdialog as importdialog';
'require wgpeerselector.values as values';

const CONFIG = 'wgpeerselector';
const TRUE = [ '1', 'on', 'true', 'yes', 'enabled' ];

/* A yes or no; the daemon takes more words for it than LuCI. */
function flag(option, preset) {
	option.default = preset ? option.enabled : option.disabled;
	option.load = function(section_id) {
		const value = uci.get(CONFIG, section_id, this.option);

		return (value == null) ? null : (TRUE.indexOf(value) !== -1) ? this.enabled : this.disabled;
	};

	/* LuCI writes it of every section when one is saved. */
	option.write = function(section_id, value) {
		if (value !== (this.cfgvalue(section_id) || this.default))
			uci.set(CONFIG, section_id, this.option, value);
	};
}

/* A text that is checked as the daemon does. */
function checked(option, check, placeholder) {
	option.placeholder = placeholder;
	option.validate = (_section_id, value) => (value === '') ? true : check(value) || true;
}

/* A list, which may stand in one option with spaces between its entries. In the table a long entry breaks where it must. */
function list(option, check, placeholder) {
	checked(option, check, placeholder);
	option.load = function(section_id) {
		return L.toArray(uci.get(CONFIG, section_id, this.option)).join(' ').split(/\s+/).filter((one) => one !== '');
	};
	option.textvalue = function(section_id) {
		const all = this.cfgvalue(section_id) || [];

		return all.length ? E('span', { 'style': 'overflow-wrap:anywhere' }, [ all.join(' ') ]) : null;
	};
}

function wireguardInterfaces() {
	return uci.sections('network', 'interface').filter((section) => section.proto === 'wireguard').map((section) => section['.name']);
}

function addPeers(m) {
	const s = m.section(form.GridSection, 'peer', _('Peers'));
	let o;

	s.addremove = true;
	s.nodescriptions = true;
	s.addbtntitle = _('Add peer');
	s.modaltitle = (name) => _('Peer %s').format(name);

	/* A peer without the option enabled is not used: only one that is made here begins with it. */
	s.handleAdd = function(ev, name) {
		const added = form.GridSection.prototype.handleAdd.call(this, ev, name);

		uci.set(CONFIG, name, 'enabled', '1');
		uci.set(CONFIG, name, 'ifname', wireguardInterfaces()[0]);

		return added;
	};

	s.renderSectionAdd = function(...args) {
		const node = this.super('renderSectionAdd', args);

		node.appendChild(E('button', {
			'class': 'btn cbi-button',
			'disabled': this.map.readonly || null,
			'click': () => importdialog.show(wireguardInterfaces(), (take) => this.map.save(take, true))
		}, [ _('Import files of wg-quick…') ]));

		return node;
	};

	o = s.option(form.Flag, 'enabled', _('Enabled'), _('Whether the peer may be chosen.'));
	flag(o, false);
	o.rmempty = false;
	o.editable = true;

	o = s.option(form.Value, 'ifname', _('Interface'), _('The WireGuard interface that the peer is for. One of its peers is connected at a time.'));
	checked(o, values.peer.ifname);
	o.rmempty = false;
	wireguardInterfaces().forEach((name) => { o.value(name) });

	o = s.option(form.Value, 'public_key', _('Public key'), _('32 bytes in base64: 44 characters, the last is =.'));
	checked(o, values.peer.public_key);
	o.rmempty = false;
	o.modalonly = true;

	o = s.option(form.DynamicList, 'endpoint', _('Endpoint'), _('Where the peer is reached: host:port, a.b.c.d:port, [v6]:port or [v6%zone]:port. Of several one is drawn for each attempt.'));
	list(o, values.peer.endpoint, 'gw.example.org:51820');
	o.rmempty = false;

	o = s.option(form.DynamicList, 'allowed_ips', _('Allowed IPs'), _('What goes through the peer, and may come from it: address or address/prefix. Without any nothing does.'));
	list(o, values.peer.allowed_ips, '10.0.0.0/8');

	o = s.option(form.Value, 'priority', _('Priority'), _('Smaller is better: peers of one priority are a group, and the next group is for when it fails.'));
	checked(o, values.peer.priority, '0');
	o.textvalue = function(section_id) { return this.cfgvalue(section_id) || this.placeholder };

	o = s.option(form.Value, 'weight', _('Weight'), _('The share of the peer within its group, 1 to 100.'));
	checked(o, values.peer.weight, '1');
	o.modalonly = true;

	o = s.option(form.Value, 'persistent_keepalive', _('Persistent keepalive'), _('Seconds between packets that keep a way through NAT open; 0 is off.'));
	checked(o, values.peer.persistent_keepalive, '0');
	o.modalonly = true;

	o = s.option(form.Value, 'preshared_key', _('Preshared key'), _('32 bytes in base64, as the public key.'));
	checked(o, values.peer.preshared_key);
	o.password = true;
	o.modalonly = true;
}

function addInterfaces(m) {
	const s = m.section(form.GridSection, 'interface', _('Interfaces'), _('Settings of the daemon for an interface; without them everything has its default. The name of a section is that of the interface.'));
	let o;

	const option = (tab, type, name, title, description) => {
		const added = s.taboption(tab, type, name, title, description);

		added.modalonly = true;

		return added;
	};
	const value = (tab, name, title, placeholder, description) =>
		checked(option(tab, form.Value, name, title, description), values.interface[name], placeholder);

	s.addremove = true;
	s.nodescriptions = true;
	s.addbtntitle = _('Add settings');
	s.modaltitle = (name) => _('Interface %s').format(name);

	s.tab('general', _('General'));
	s.tab('routes', _('Routes'));
	s.tab('times', _('Times'));
	s.tab('probes', _('Probes'));

	value('general', 'ifname', _('Interface'), _('the name of the section'), _('For a name that a section cannot have, such as wg-vpn.'));

	o = s.taboption('general', form.ListValue, 'strategy', _('Strategy'), _('How a peer is chosen within its group: by chance, or, once connected, by the shortest round trip.'));
	o.value('random', _('random'));
	o.value('fastest', _('fastest'));
	o.default = 'random';

	o = s.taboption('general', form.ListValue, 'run_time_peers', _('Peers at run time'), _('Whether peers that others give to the daemon come to these, may be all that there are, or outlive a restart, too.'));
	o.value('add', _('come to these'));
	o.value('expect', _('may be all that there are'));
	o.value('keep', _('outlive a restart, too'));
	o.default = 'add';

	o = s.taboption('routes', form.Flag, 'full_tunnel', _('Full tunnel'), _('Whether the allowed IPs come before the default route, for peers with 0.0.0.0/0 or ::/0.'));
	flag(o, false);

	o = s.taboption('routes', form.Flag, 'block_when_lost', _('Block when lost'), _('Whether nothing for the allowed IPs may leave by another way while there is no connection.'));
	flag(o, false);

	value('routes', 'metric', _('Metric'), _("the kernel's"), _('The metric of the routes.'));

	o = option('routes', form.Value, 'table', _('Routing table'), _('A number, 1 to 4294967295, also as 0x64, or a name from /etc/iproute2/rt_tables.'));
	checked(o, values.interface.table, 'main');
	o.validate = function(section_id, text) {
		if (text === '')
			return true;

		const full = this.section.formvalue(section_id, 'full_tunnel') === '1';
		const name = this.section.formvalue(section_id, 'ifname') || section_id;

		return values.interface.table(text) || (full ? values.fullTunnelTable(text, name) : null) || true;
	};

	value('times', 'connect_timeout', _('Connect timeout'), '5', _('Seconds that a peer has for its handshake.'));
	value('times', 'check_interval', _('Check interval'), '5', _('Seconds between two looks at a connection.'));
	value('times', 'dead_peer_timeout', _('Dead peer timeout'), '150', _('Seconds since the latest handshake after which a connection counts as lost. It should be above 120, the age at which WireGuard renews a handshake.'));
	value('times', 'failback_interval', _('Failback interval'), '300', _('Seconds after which better peers are tried while a lesser one is held; 0 is off.'));
	value('times', 'max_age', _('Maximum age'), '0', _('Seconds after which a healthy connection is left for another; 0 is off.'));

	o = option('times', form.Flag, 'ntp', _('Set the clock'), _('Whether to set the clock before the first attempt.'));
	flag(o, true);

	value('times', 'ntp_timeout', _('NTP timeout'), '5', _('Seconds that a certainly wrong clock may hold up the first attempt.'));

	value('probes', 'probe_interval', _('Probe interval'), '15', _('Seconds of silence after which a connection is probed; 0 is off.'));
	value('probes', 'probe_timeout', _('Probe timeout'), '20', _('Seconds without an answer after which a connection is put to the test; 0 is off. It should be above 10, the time that WireGuard may take for an answer.'));
	value('probes', 'probe_address', _('Probe address'), _('from the allowed IPs'), _('Where probes go, an address inside the tunnel.'));
	value('probes', 'check_address', _('Check address'), _('off'), _('What has to answer an ICMP echo within the probe timeout, an address inside the tunnel.'));
}

return view.extend({
	load: function() {
		return Promise.all([ uci.load(CONFIG), L.resolveDefault(uci.load('network')) ]);
	},

	render: function() {
		const m = new form.Map(CONFIG, _('WireGuard Peers'), _('One of the peers of a WireGuard interface is connected at a time; when it fails, another is.'));

		m.tabbed = true;
		addPeers(m);
		addInterfaces(m);

		return m.render();
	}
});
