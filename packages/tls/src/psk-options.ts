/**
 * Pre-shared keys instead of certificates, or beside them (PSK: RFC 8446 section 4.2.11, in TLS 1.2 RFC 4279).
 *
 * Rule: a key is never printed, not even in an error, and always goes with an ephemeral key exchange.
 */
import type { NativePsk } from '@sluice/core-native';
import { checkOptionNames, UsageError } from '@sluice/reactor';

/** What a server and its clients have to agree on besides the keys. */
interface PskHash {
  /**
   * The hash that a key is used with (RFC 8446 section 4.2.11), the same at both ends. Default `sha256`. With `sha384` the
   * keys are for TLS 1.3 only.
   */
  readonly hash?: 'sha256' | 'sha384';
}

/** All pre-shared keys that a server knows. Copied; the context's copy is wiped with it, the caller's is the caller's to wipe. */
export interface ServerPsk extends PskHash {
  /**
   * By identity: 1 to 4096 bytes in UTF-8, at most 128 where TLS 1.2 is spoken. Keys are of 16 to 512 random bytes; what
   * people can remember is no key. Any number; to change them, put another context in this one's place.
   */
  readonly keys: Readonly<Record<string, Uint8Array>> | ReadonlyMap<string, Uint8Array>;
}

/** The pre-shared key of a client. Copied as a server's are. */
export interface ClientPsk extends PskHash {
  /** The name that the server knows the key by; it goes over the wire in the clear. Bounds as in {@link ServerPsk}. */
  readonly identity: string;
  readonly key: Uint8Array;
  /**
   * Whether a server that does not take the key is refused (`ERR_TLS_PSK_REQUIRED`). Otherwise one that shows a
   * certificate is verified as always. Default false.
   */
  readonly required?: boolean;
}

/** In the words of the native contract. Throws `UsageError`; what is in it is checked where it is loaded. */
export function nativeServerPsk(psk: ServerPsk | undefined): { readonly psk?: NativePsk } {
  if (psk === undefined) return {};
  checkOptionNames('psk', psk, ['keys', 'hash']);
  if (typeof psk.keys !== 'object' || psk.keys === null)
    throw usage('psk.keys must be a Map or an object of keys by their identities.');
  const entries = psk.keys instanceof Map ? [...psk.keys] : Object.entries(psk.keys);
  return { psk: { keys: entries.map(([identity, key]) => entry(identity, key)), sha384: isSha384(psk) } };
}

/** As {@link nativeServerPsk}. */
export function nativeClientPsk(psk: ClientPsk | undefined): { readonly psk?: NativePsk } {
  if (psk === undefined) return {};
  checkOptionNames('psk', psk, ['identity', 'key', 'hash', 'required']);
  const { identity, key, required = false } = psk;
  return { psk: { keys: [entry(identity, key)], sha384: isSha384(psk), required } };
}

function entry(identity: unknown, key: unknown): { readonly identity: string; readonly key: Uint8Array } {
  if (typeof identity !== 'string') throw usage('psk needs identities that are strings.');
  if (!(key instanceof Uint8Array))
    throw usage(`psk needs keys that are Uint8Arrays; that of '${identity}' is none.`);
  return { identity, key };
}

function isSha384({ hash = 'sha256' }: PskHash): boolean {
  if (hash === 'sha256' || hash === 'sha384') return hash === 'sha384';
  throw usage(`psk.hash must be 'sha256' or 'sha384'; received '${String(hash)}'.`);
}

function usage(message: string): UsageError {
  return new UsageError('ERR_OPTION_VALUE', message);
}
