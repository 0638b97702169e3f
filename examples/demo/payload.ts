/** What the clients send and expect back. */
import { createHash, randomBytes } from 'node:crypto';

const PAYLOAD_BYTES = 1024 * 1024;

/**
 * Random bytes as text (hexadecimal). `openssl s_client` takes an upper-case letter where its input begins for a command,
 * and here are none.
 */
export function payload(): Buffer {
  return Buffer.from(randomBytes(PAYLOAD_BYTES / 2).toString('hex'));
}

/** Says what came back. Throws, naming the difference, unless it is byte for byte what was sent. */
export function compare(sent: Buffer, received: Buffer, tookMs: number): string {
  if (received.length !== sent.length) {
    throw new Error(`sent ${sent.length} bytes and got ${received.length} back`);
  }
  const [ours, theirs] = [sha256(sent), sha256(received)];
  if (ours !== theirs) throw new Error(`sent bytes with SHA-256 ${ours} and got back ${theirs}`);
  const size = sent.length.toLocaleString('en');
  return `${size} bytes there and back in ${tookMs.toFixed(0)} ms, SHA-256 equal (${ours.slice(0, 8)}…)`;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
