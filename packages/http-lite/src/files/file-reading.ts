/**
 * The bytes of a file as a stream of the web.
 *
 * Rule: it is open during a pull and at no other time, so whoever stops reading, with a word or without, leaves nothing open.
 */
import { Buffer } from 'node:buffer';
import { read } from 'node:fs';
import { FileError, type SharedFile } from '@sluice/reactor';
import type { BytePart } from './byte-ranges.ts';

/** Of one piece: opening the file for each costs a small part of reading as much. */
const PIECE_BYTES = 256 * 1024;

/** An open file for the length of one pull. */
export interface FileHold {
  readonly file: SharedFile;
  close(): void;
}

/** `part` of the file that `open` opens, which errors when that is not what `seen` was any more. */
export function readingFile(
  open: () => Promise<FileHold>,
  seen: SharedFile,
  part: BytePart,
): ReadableStream<Uint8Array> {
  let at = part.offset;
  const end = part.offset + part.length;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (at < end) {
          const piece = await readPiece(open, seen, at, Math.min(PIECE_BYTES, end - at));
          at += piece.length;
          controller.enqueue(piece);
        }
        if (at === end) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

async function readPiece(
  open: () => Promise<FileHold>,
  seen: SharedFile,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const hold = await open();
  const { file } = hold;
  try {
    const piece = isSame(file, seen) ? await readAt(file, offset, length) : undefined;
    if (piece !== undefined && piece.length > 0) return piece;
  } finally {
    hold.close();
  }
  const message = `${seen.name} was changed while it was being read. Replace files by renaming, and ask again.`;
  throw new FileError('ERR_FILE_READ', seen.name, offset, message);
}

function isSame(a: SharedFile, b: SharedFile): boolean {
  const isOne = a.inode === b.inode && a.device === b.device;
  return isOne && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

function readAt(file: SharedFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length);
  const fd = file.hold();
  return new Promise((resolve, reject) => {
    read(fd, bytes, 0, length, offset, (error, count) => {
      file.drop();
      if (error === null) resolve(bytes.subarray(0, count));
      else
        reject(
          new FileError(
            'ERR_FILE_READ',
            file.name,
            offset,
            `${file.name} cannot be read: ${error.message}.`,
            error,
          ),
        );
    });
  });
}
