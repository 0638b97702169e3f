/** Pictures (PNG, third edition) of noise: every byte has to arrive for one to be decoded. */
import { crc32, deflateSync } from 'node:zlib';
import { keystream } from './keystream.ts';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const COLOR_BYTES = 3;

/** A picture of these pixels, in 8-bit colors. */
export function noisePng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits of each color, red, green and blue; the only compression, filter method and order there is without effort.
  header.set([8, 2, 0, 0, 0], 8);
  const rowBytes = 1 + width * COLOR_BYTES;
  const rows = Buffer.concat([...keystream(rowBytes * height)]);
  // Each row begins with its filter: none.
  for (let row = 0; row < height; row += 1) rows[row * rowBytes] = 0;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const framed = Buffer.alloc(data.length + 12);
  framed.writeUInt32BE(data.length, 0);
  framed.write(type, 4, 'latin1');
  framed.set(data, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, -4)), data.length + 8);
  return framed;
}
