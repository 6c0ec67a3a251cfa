'use strict';
'require form';
'require network';

/*
 * The device is LuCI's own field: this protocol has a device of somebody else's, as the protocols of an Ethernet port have.
 */
return network.registerProtocol('wgpeerselector', {
	getI18n: function() {
		return _('WireGuard peer selector');
	},

	getOpkgPackage: function() {
		return 'wgpeerselector';
	},

	renderFormOptions: function(s) {
		s.taboption('general', form.Flag, 'up_when_connected', _('Up while connected'), _('Without this the interface is up while the daemon runs. With it firewall, mwan3 and hotplug scripts follow the connection.'));

		const o = s.taboption('general', form.Value, 'unix_group', _('Unix group'), _('The group that the daemon runs with, for firewall rules that match on it.'));

		o.placeholder = 'nogroup';
		o.datatype = 'string';
	}
});
