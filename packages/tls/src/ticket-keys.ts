/**
 * `ticketKeys`: the keys that seal session tickets (RFC 5077 section 4), one ring for all servers of the process.
 *
 * Rule: here are only words and the timer; the keys stay in native code, which all threads share, and wipes old ones.
 */
import { loadNative } from '@sluice/core-native';
import { checkOptionNames, integerOption, UsageError } from '@sluice/reactor';

/** How long tickets can be opened, and when their key is replaced. */
export interface TicketKeysOptions {
  /** How many keys beside the newest go on opening tickets after a rotation: 0 to 15. Default 2. */
  readonly previous?: number;
  /**
   * Rotate whenever the newest key is this old, in milliseconds; 0 stops. Default 0. Several threads may ask for it: the
   * key that they share is rotated once each time. The timer does not keep the process alive.
   */
  readonly rotateEveryMs?: number;
}

/** The ring of ticket keys of this process. */
export interface TicketKeys {
  /** Throws `UsageError` (`ERR_UNKNOWN_OPTION`, `ERR_OPTION_VALUE`). */
  configure(options: TicketKeysOptions): void;
  /** Seals with a new random key from now on. What falls out of the ring is wiped, and its tickets are of no more use. */
  rotate(): void;
  /**
   * Replaces all keys, so that several processes or machines open each other's tickets. 1 to 16 keys of 80 random bytes
   * each, the first of which seals: 16 are its name, 32 the key of AES-256-CBC, 32 that of HMAC-SHA256. They are copied.
   * Throws `UsageError` (`ERR_OPTION_VALUE`).
   */
  set(keys: readonly Uint8Array[]): void;
  /** A copy of all keys, the newest first, to be given to {@link set} elsewhere. Whoever has it can read the tickets. */
  export(): Buffer[];
}

const KEY_BYTES = 80;
const MAX_KEYS = 16;
/** setInterval(): a longer delay would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** A timer of another thread that fires a little before ours shall not make ours wait for a whole period. */
const NEARLY = 0.9;

let timer: NodeJS.Timeout | undefined;

/** The ring of ticket keys of this process, which all its threads share. */
export const ticketKeys: TicketKeys = {
  configure(options) {
    checkOptionNames('ticketKeys.configure', options, ['previous', 'rotateEveryMs']);
    const { previous, rotateEveryMs } = options;
    if (previous !== undefined) {
      loadNative().keepTicketKeys(integerOption('previous', previous, undefined, 0, MAX_KEYS - 1));
    }
    if (rotateEveryMs !== undefined) {
      rotateEvery(integerOption('rotateEveryMs', rotateEveryMs, undefined, 0, MAX_DELAY_MS));
    }
  },

  rotate() {
    loadNative().rotateTicketKeys(0);
  },

  set(keys) {
    checkKeys(keys);
    const bytes = Buffer.concat(keys);
    loadNative().setTicketKeys(bytes, 0, bytes.length);
    bytes.fill(0);
  },

  export() {
    const bytes = loadNative().exportTicketKeys();
    return Array.from({ length: bytes.length / KEY_BYTES }, (_, index) =>
      bytes.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES),
    );
  },
};

function rotateEvery(intervalMs: number): void {
  clearInterval(timer);
  timer = undefined;
  if (intervalMs === 0) return;
  const minAgeMs = Math.floor(intervalMs * NEARLY);
  timer = setInterval(() => loadNative().rotateTicketKeys(minAgeMs), intervalMs).unref();
}

function checkKeys(keys: readonly Uint8Array[]): void {
  const isFitting = Array.isArray(keys) && keys.length >= 1 && keys.length <= MAX_KEYS && keys.every(isKey);
  const names = isFitting
    ? new Set(keys.map((key) => Buffer.from(key.subarray(0, 16)).toString('hex')))
    : undefined;
  if (names?.size === keys.length) return;
  throw new UsageError(
    'ERR_OPTION_VALUE',
    'ticketKeys.set needs 1 to 16 keys, each a Uint8Array of 80 random bytes of which the first 16 are its own: ' +
      'take them from ticketKeys.export() or randomBytes(80).',
  );
}

function isKey(key: unknown): boolean {
  return key instanceof Uint8Array && key.length === KEY_BYTES;
}
