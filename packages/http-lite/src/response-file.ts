/**
 * Answers whose body is a file.
 *
 * Rule: the file is open and has been judged before the head leaves; from then on it is all of it, or a torn connection.
 */
import {
  FileError,
  openFile,
  partOfFile,
  type SendableFile,
  type SendFileOptions,
  SharedFile,
} from '@sluice/reactor';
import { contentType, loadTypes, typesAreLoaded } from './content-type.ts';
import { peerGone } from './errors.ts';
import type { HttpResponse } from './response.ts';

/** Sends `file` as the answer, whose phase is `opening`; as `Response.sendFile`. */
export async function answerWithFile(
  answer: HttpResponse,
  file: SendableFile,
  options: SendFileOptions,
): Promise<void> {
  try {
    if (!typesAreLoaded()) await loadTypes();
    // One that is open already is sent in this very call: no turn passes.
    if (file instanceof SharedFile) return await sendOpened(answer, file, options);
    const opened = await openFile(file);
    try {
      await sendOpened(answer, opened, options);
    } finally {
      opened.close();
    }
  } catch (thrown) {
    if (answer.phase === 'opening') answer.phase = 'idle';
    throw thrown;
  }
}

async function sendOpened(answer: HttpResponse, file: SharedFile, options: SendFileOptions): Promise<void> {
  if (answer.phase !== 'opening')
    throw peerGone('it was given up, or answered otherwise, while its file was being opened', undefined);
  const part = partOfFile(file, options);
  const connection = answer.beginFile(part.length, contentType(file.name));
  if (connection === undefined) return;
  try {
    await connection.sendFile(file, part);
  } catch (thrown) {
    answer.abandon();
    const isPeers = thrown instanceof FileError && thrown.code === 'ERR_FILE_UNSENT';
    if (!isPeers) throw thrown;
    throw peerGone(`the connection ended after ${thrown.sentBytes} bytes of ${file.name}`, thrown);
  }
  answer.endFile();
}
