'use strict';
'require baseclass';

/*
 * IP addresses as the daemon reads them. LuCI's own validation takes leading zeros, which other programs take for octal.
 */

/* Four bytes, or null. */
function parse4(text) {
	const parts = text.split('.');

	if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && +part <= 255))
		return null;

	return parts.map(Number);
}

/* Words of one side of the ::, or null. The last part of an address may be written as IPv4. */
function wordsOf(text, last) {
	const words = [];
	const parts = (text === '') ? [] : text.split(':');

	for (let i = 0; i < parts.length; i++) {
		const tail = (last && i === parts.length - 1) ? parse4(parts[i]) : null;

		if (tail)
			words.push(tail[0] * 256 + tail[1], tail[2] * 256 + tail[3]);
		else if (/^[0-9a-f]{1,4}$/i.test(parts[i]))
			words.push(parseInt(parts[i], 16));
		else
			return null;
	}

	return words;
}

/* Eight words, or null; a zone is none of an address. */
function parse6(text) {
	const sides = text.split('::');
	const before = wordsOf(sides[0], sides.length === 1);
	const behind = wordsOf(sides[1] || '', true);

	if (sides.length > 2 || before == null || behind == null)
		return null;

	const missing = 8 - before.length - behind.length;

	if (sides.length === 1 ? missing !== 0 : missing < 1)
		return null;

	return before.concat(Array(missing).fill(0), behind);
}

/* RFC 5952: the longest run of zeros, of two words at least and the first of several, is ::. */
function format6(words) {
	const text = words.map((word) => word.toString(16)).join(':');
	const runs = text.match(/\b0(:0)+\b/g) || [];
	const longest = runs.reduce((best, run) => (run.length > best.length) ? run : best, '');

	if (longest === '')
		return text;

	const at = text.search(new RegExp('\\b' + longest + '\\b'));

	return text.slice(0, at).replace(/:$/, '') + '::' + text.slice(at + longest.length).replace(/^:/, '');
}

function special4(bytes) {
	if (bytes[0] === 0)
		return 'unspecified';

	if (bytes[0] === 127)
		return 'loopback';

	if (bytes[0] >= 224 && bytes[0] <= 239)
		return 'multicast';

	return bytes.every((byte) => byte === 255) ? 'broadcast' : null;
}

/* The four bytes behind a prefix of 96 bits. */
function inside(words) {
	return [ words[6] >> 8, words[6] & 255, words[7] >> 8, words[7] & 255 ];
}

function hasPrefix(words, prefix) {
	return prefix.every((word, i) => words[i] === word);
}

return baseclass.extend({
	parse4: parse4,
	parse6: parse6,
	format6: format6,

	/* The IPv4 address that an IPv4-mapped one stands for, as text, or null. */
	mapped: function(words) {
		return hasPrefix(words, [ 0, 0, 0, 0, 0, 0xffff ]) ? inside(words).join('.') : null;
	},

	/* Why an address can be no gateway's, or null; as the daemon names it. */
	special: function(text) {
		const bytes = parse4(text);
		const words = bytes ? null : parse6(text);

		if (bytes)
			return special4(bytes);

		if (words == null)
			return null;

		if (words.slice(0, 7).every((word) => word === 0) && words[7] <= 1)
			return words[7] ? 'loopback' : 'unspecified';

		if (words[0] >= 0xff00)
			return 'multicast';

		if (this.mapped(words))
			return special4(inside(words)) || 'mapped';

		return hasPrefix(words, [ 0x64, 0xff9b, 0, 0, 0, 0 ]) ? special4(inside(words)) : null;
	},

	/* Whether it is unique on one link only. */
	isLinkLocal: function(words) {
		return (words[0] & 0xffc0) === 0xfe80;
	}
});
