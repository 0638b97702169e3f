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
  type Folder,
  partOfFile,
  type SendableFile,
  type SendFileOptions,
  type SharedFile,
} from '@sluice/reactor';
import { peerGone } from '../errors.ts';
import type { ServedRequest } from '../request/request.ts';
import { ANSWERED } from '../response/answered.ts';
import type { ServedResponse } from '../response/response.ts';
import type { FileAnswerOptions } from '../response/response-contract.ts';
import { loadTypes, typesAreLoaded } from './content-type.ts';
import { answerAboutFile, type FileAnswer } from './file-answer.ts';
import { type FileRepresentation, representationOf } from './file-request.ts';

const OPTION_NAMES = ['offset', 'length', 'folder', 'precompressed'];

/**
 * Sends `file` as the answer, whose phase is `opening`; as `HttpResponse.sendFile`. What is open already, or can be opened without
 * waiting, is sent in this very call: a turn, and a chain of promises, cost as much as all the rest of it.
 */
export function answerWithFile(
  response: ServedResponse,
  file: SendableFile,
  options: FileAnswerOptions,
): Promise<void> {
  try {
    checkOptionNames('sendFile', options, OPTION_NAMES);
    const isWhole = options.offset === undefined && options.length === undefined && response.status === 200;
    const request = isWhole ? response.retrieval : undefined;
    const varies = booleanOption('precompressed', options.precompressed, false) && request !== undefined;
    const part = isWhole ? undefined : partOf(options);
    const asked: Asked = { response, request, varies, part, answered: undefined };
    const acceptEncoding = varies ? request.headers.get('accept-encoding') : 'never';
    const opening = typesAreLoaded()
      ? representationOf(file, options.folder, acceptEncoding)
      : openWithTypes(file, options.folder, acceptEncoding);
    asked.answered = opening instanceof Promise ? answerLater(opening, asked) : answerWith(opening, asked);
    return asked.answered;
  } catch (thrown) {
    if (response.phase === 'opening') response.phase = 'idle';
    return Promise.reject(thrown);
  }
}

async function openWithTypes(
  file: SendableFile,
  folder: Folder | undefined,
  acceptEncoding: string | undefined | 'never',
): Promise<FileRepresentation> {
  await loadTypes();
  return representationOf(file, folder, acceptEncoding);
}

function answerLater(opening: Promise<FileRepresentation>, asked: Asked): Promise<void> {
  return opening.then(
    (representation) => answerWith(representation, asked),
    (thrown) => unanswered(asked, thrown),
  );
}

/** What is to be done once the file is open. */
interface Asked {
  readonly response: ServedResponse;
  /** Undefined where none of its fields may decide. */
  readonly request: ServedRequest | undefined;
  readonly varies: boolean;
  /** Undefined: all of it. */
  readonly part: SendFileOptions | undefined;
  /** What the handler was given. */
  answered: Promise<void> | undefined;
}

/** Nothing was sent: the handler may answer otherwise, if anybody waits for an answer. */
function unanswered(asked: Asked, thrown: unknown): never {
  const { response } = asked;
  if (response.phase === 'opening') response.phase = 'idle';
  if (response.phase === 'gone') quieten(asked);
  throw thrown;
}

/** Who leaves in the middle must not end a process whose handler does not listen. */
function quieten({ answered }: Asked): void {
  answered?.catch(() => {});
}

function partOf({ offset, length }: SendFileOptions): SendFileOptions {
  return { ...(offset === undefined ? {} : { offset }), ...(length === undefined ? {} : { length }) };
}

function answerWith(representation: FileRepresentation, asked: Asked): Promise<void> {
  const { response, request, varies, part } = asked;
  const { file } = representation;
  try {
    if (response.phase !== 'opening')
      throw peerGone('it was given up, or answered otherwise, while its file was being opened', undefined);
    const whole = part === undefined ? { offset: 0, length: file.sizeBytes } : partOfFile(file, part);
    const { etag } = response;
    const answer = answerAboutFile({ representation, request, part: whole, varies, etag });
    const connection = response.beginFile(answer);
    return connection === undefined ? ANSWERED : sendBody(asked, connection, file, answer);
  } catch (thrown) {
    return unanswered(asked, thrown);
  } finally {
    // What is queued of it by now keeps it open.
    if (representation.isOurs) file.close();
  }
}

/** Sends what is behind the head. All of it is queued in this call, so that its order holds. */
function sendBody(asked: Asked, connection: Connection, file: SharedFile, answer: FileAnswer): Promise<void> {
  const { response } = asked;
  const sent = queueBody(connection, file, answer);
  if (sent === true) {
    response.endFile();
    return ANSWERED;
  }
  return sent.then(
    () => response.endFile(),
    (thrown: Error) => broken(asked, file, thrown),
  );
}

/** Some of the body will never leave. */
function broken(asked: Asked, file: SharedFile, thrown: Error): never {
  asked.response.abandon(thrown);
  const isPeers = thrown instanceof FileError && thrown.code === 'ERR_FILE_UNSENT';
  if (!isPeers) throw thrown;
  quieten(asked);
  throw peerGone(`the connection ended after ${thrown.sentBytes} bytes of ${file.name}`, thrown);
}

/** `true`: all of it has left. */
function queueBody(
  connection: Connection,
  file: SharedFile,
  { parts, texts }: FileAnswer,
): true | Promise<unknown> {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined)
    return connection.sendOpenFile(file, only.offset, only.length);
  const [, ...behind] = texts;
  const sent = parts.map((part, index) => {
    const promise = connection.sendFile(file, part);
    const text = behind[index];
    if (text !== undefined) connection.write(text, 'latin1');
    return promise;
  });
  return Promise.all(sent);
}
