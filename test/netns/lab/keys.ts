/** WireGuard keys: 32 bytes in base64, as `wg genkey`, `wg pubkey` and `wg genpsk` write them. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** A key pair of Curve25519. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A new key pair. */
export function keyPair(): KeyPair {
  // A JSON Web Key (RFC 8037) holds the bare 32 bytes: d is the private key, x the public one.
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return { privateKey: base64(d), publicKey: base64(x) };
}

/** A new preshared key. */
export function presharedKey(): string {
  return randomBytes(32).toString('base64');
}

function base64(base64url: string | undefined): string {
  return Buffer.from(base64url ?? '', 'base64url').toString('base64');
}
