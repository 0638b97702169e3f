/**
 * TLS 1.3 records made by hand (RFC 8446), for what no well-behaved peer sends.
 *
 * Rule: TLS_AES_128_GCM_SHA256 only; the traffic secret comes from a peer's key log.
 */
import { createCipheriv, createHmac } from 'node:crypto';

const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
const KEY_UPDATE = 24;

/** Seals records for one direction, and knows how to go to the next generation of its keys. */
export class RecordWriter {
  private secret: Buffer;
  private sequence = 0n;

  /** `secret` is CLIENT_TRAFFIC_SECRET_0 of the key log; nothing may have been sent under it yet. */
  constructor(secret: Buffer) {
    this.secret = secret;
  }

  applicationData(text: string): Buffer {
    return this.seal(APPLICATION_DATA, Buffer.from(text));
  }

  /** A KeyUpdate (section 4.6.3) that does not ask for one in return; what follows is under the new keys. */
  keyUpdate(): Buffer {
    const record = this.seal(HANDSHAKE, Buffer.from([KEY_UPDATE, 0, 0, 1, 0]));
    this.secret = expandLabel(this.secret, 'traffic upd', 32);
    this.sequence = 0n;
    return record;
  }

  /** Section 5.2: the content, its type behind it, under AEAD with the header as additional data. */
  private seal(type: number, content: Buffer): Buffer {
    const plain = Buffer.concat([content, Buffer.from([type])]);
    const header = Buffer.from([APPLICATION_DATA, 3, 3, 0, 0]);
    header.writeUInt16BE(plain.length + 16, 3);
    const nonce = expandLabel(this.secret, 'iv', 12);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.sequence, 4);
    this.sequence += 1n;
    const cipher = createCipheriv('aes-128-gcm', expandLabel(this.secret, 'key', 16), nonce);
    cipher.setAAD(header);
    return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }
}

/** HKDF-Expand-Label (section 7.1) with an empty context, for lengths of one SHA-256 block at most. */
function expandLabel(secret: Buffer, label: string, length: number): Buffer {
  const name = `tls13 ${label}`;
  const info = Buffer.concat([Buffer.from([0, length, name.length]), Buffer.from(name), Buffer.from([0, 1])]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}
