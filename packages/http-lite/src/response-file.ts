/**
 * Answers whose body is a file.
 *
 * Rule: the file is open and has been judged before the head leaves; from then on it is all that was promised of it, or a torn
 * connection.
 */
import {
  booleanOption,
  type Connection,
  checkOptionNames,
  FileError,
  type SendableFile,
  type SendFileOptions,
} from '@sluice/reactor';
import { loadTypes, typesAreLoaded } from './content-type.ts';
import { peerGone } from './errors.ts';
import { answerAboutFile, type FileAnswer } from './file-answer.ts';
import { type FileRepresentation, representationOf } from './file-request.ts';
import type { HttpResponse } from './response.ts';
import type { FileAnswerOptions } from './response-contract.ts';

/** Sends `file` as the answer, whose phase is `opening`; as `Response.sendFile`. */
export async function answerWithFile(
  response: HttpResponse,
  file: SendableFile,
  options: FileAnswerOptions,
): Promise<void> {
  try {
    checkOptionNames('sendFile', options, ['offset', 'length', 'folder', 'precompressed']);
    if (!typesAreLoaded()) await loadTypes();
    const isWhole = options.offset === undefined && options.length === undefined && response.status === 200;
    const request = isWhole ? response.retrieval : undefined;
    const varies = booleanOption('precompressed', options.precompressed, false) && request !== undefined;
    const acceptEncoding = varies ? request.headers.get('accept-encoding') : 'never';
    const opening = representationOf(file, options.folder, acceptEncoding);
    // What is open already is sent in this very call: no turn passes.
    const representation = opening instanceof Promise ? await opening : opening;
    try {
      if (response.phase !== 'opening')
        throw peerGone('it was given up, or answered otherwise, while its file was being opened', undefined);
      const { etag } = response;
      const part = isWhole ? WHOLE : partOf(options);
      const question = { representation, request, options: part, varies, etag };
      await send(response, representation, answerAboutFile(question, Date.now()));
    } finally {
      if (representation.isOurs) representation.file.close();
    }
  } catch (thrown) {
    if (response.phase === 'opening') response.phase = 'idle';
    throw thrown;
  }
}

const WHOLE: SendFileOptions = {};

function partOf({ offset, length }: SendFileOptions): SendFileOptions {
  return { ...(offset === undefined ? {} : { offset }), ...(length === undefined ? {} : { length }) };
}

async function send(response: HttpResponse, { file }: FileRepresentation, answer: FileAnswer): Promise<void> {
  const connection = response.beginFile(answer);
  if (connection === undefined) return;
  try {
    await sendBody(connection, file, answer);
  } catch (thrown) {
    response.abandon(thrown as Error);
    const isPeers = thrown instanceof FileError && thrown.code === 'ERR_FILE_UNSENT';
    if (!isPeers) throw thrown;
    throw peerGone(`the connection ended after ${thrown.sentBytes} bytes of ${file.name}`, thrown);
  }
  response.endFile();
}

/** What is behind the head and the first text. All of it is queued in this call, so that its order holds. */
function sendBody(
  connection: Connection,
  file: FileRepresentation['file'],
  { parts, texts }: FileAnswer,
): Promise<unknown> {
  const [, ...behind] = texts;
  const sent = parts.map((part, index) => {
    const promise = connection.sendFile(file, part);
    const text = behind[index];
    if (text !== undefined) connection.write(text, 'latin1');
    return promise;
  });
  return sent.length === 1 && sent[0] !== undefined ? sent[0] : Promise.all(sent);
}
