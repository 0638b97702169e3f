/**
 * A file as the body of a `Response` of the web.
 *
 * Rule: the stream of a body that nobody has touched stands for the file, whichever `Response` it is in.
 */
import type { SendableFile } from '@sluice/reactor';
import type { FileAnswerOptions } from '../response/response-contract.ts';

const files = new WeakMap<object, FileBody>();

export class FileBody {
  readonly file: SendableFile;
  readonly options: FileAnswerOptions;
  readonly #makeStream: () => ReadableStream<Uint8Array>;

  constructor(file: SendableFile, options: FileAnswerOptions, makeStream: () => ReadableStream<Uint8Array>) {
    this.file = file;
    this.options = options;
    this.#makeStream = makeStream;
  }

  /** For who asks for one: most never do. */
  stream(): ReadableStream<Uint8Array> {
    const stream = this.#makeStream();
    files.set(stream, this);
    return stream;
  }
}

/** The file that a stream stands for, if it is one of {@link FileBody}. */
export function fileBehind(stream: ReadableStream<unknown>): FileBody | undefined {
  return files.get(stream);
}
