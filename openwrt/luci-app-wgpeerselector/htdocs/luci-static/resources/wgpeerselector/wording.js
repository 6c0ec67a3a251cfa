'use strict';
'require baseclass';

/*
 * Parts of what is said of a value.
 */

/* A value for a message: one that could be a key is not shown, and nothing invisible. */
function quote(text) {
	if (/[A-Za-z0-9+\/]{40}/.test(text))
		return _('a value of %d characters').format(text.length);

	const short = (text.length > 80) ? text.slice(0, 80) + '...' : text;

	return "'" + printable(short) + "'";
}

function printable(text) {
	return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => '\\u{' + c.codePointAt(0).toString(16) + '}');
}

function ifname(text) {
	const bytes = new TextEncoder().encode(text).length;

	if (bytes >= 1 && bytes <= 15 && text !== '.' && text !== '..' && !/[\s\/:\0]/.test(text))
		return null;

	return _('is %s: expected the name of an interface, 1 to 15 characters, without spaces, / and :').format(quote(text));
}

return baseclass.extend({
	quote: quote,
	printable: printable,
	ifname: ifname
});
