/** Text and bytes. */
export interface Text {
  /** UTF-8; what is no text (a lone surrogate) becomes U+FFFD. */
  encodeUtf8(text: string): Uint8Array;
  /** The text from one place to before another. What is no UTF-8 becomes U+FFFD; a byte order mark is kept. */
  decodeUtf8(bytes: Uint8Array, start?: number, end?: number): string;
  /** Each byte a character, U+0000 to U+00FF. */
  decodeLatin1(bytes: Uint8Array): string;
  /** Base64 with padding (RFC 4648, section 4). */
  toBase64(bytes: Uint8Array): string;
  /** The bytes of a text that is base64, padded or not. What its last letter has too much is left out. */
  fromBase64(text: string): Uint8Array;
  /** The family of a literal IP address, an IPv6 one with or without a zone; 0 for any other text (inet_pton(3)). */
  isIP(text: string): 0 | 4 | 6;
}
