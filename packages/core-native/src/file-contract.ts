/**
 * The part of the native contract that is about files.
 *
 * Rule: as of `contract.ts`; nothing here waits for the disk but where it says so.
 */

export interface NativeFileCalls {
  /**
   * sendfile(2): `length` bytes of a regular file, from `offset` on, without a copy in user space. Bytes taken, 0 when the
   * file ends at `offset` or before, `wantsWrite`, or `failed`, for the file's sake or the socket's. EINTR is retried, and
   * no SIGPIPE is raised. It waits for the disk where {@link isFileCached} is false. A zero `length` is misuse.
   */
  sendFile(fd: number, file: number, offset: number, length: number): number;
  /**
   * `send` of `buffer[offset, offset + length)` and `sendFile` of `count` bytes from `position` on, with nothing in between: how
   * many bytes of both have left, those of the buffer first; `wantsWrite`, when none has; or `failed`. A failure whose `call` is
   * `sendfile` is one behind all bytes of the buffer, which have left. A zero `length` or `count` is misuse.
   */
  sendWithFile(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    file: number,
    position: number,
    count: number,
  ): number;
  /**
   * Whether SIGPIPE is ignored, by the process; if so `sendFile` does without holding it back (two system calls), in every thread, until
   * this is called with `trust` false. Who calls it with true promises to do that as soon as anybody may change what becomes of it.
   */
  trustSigpipe(trust: boolean): boolean;
  /**
   * preadv2(2), RWF_NOWAIT, into `buffer[offset, offset + length)`: bytes of a file from `position` on, fewer perhaps, 0 where
   * it ends; `wantsRead` when the first is not in the page cache; `failed`, also where the file system cannot tell. It may wait
   * where {@link isFileCached} is false, since it begins to read then. A zero `length` is misuse.
   */
  readCached(file: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  /**
   * Whether `length` bytes from `offset` are in the page cache (cachestat(2), mincore(2), preadv2(2) with RWF_NOWAIT). False
   * also where nobody tells. Never waits for the disk.
   */
  isFileCached(file: number, offset: number, length: number): boolean;
  /** A second, close-on-exec descriptor of an open file (fcntl(2), F_DUPFD_CLOEXEC), or `failed`: EBADF, EMFILE. */
  duplicateFile(file: number): number;
  /**
   * close(2) on a thread of libuv's pool: the last descriptor of a removed file frees its blocks, and a network file system
   * may have something to say. At once where neither can be: `isLocal` says that the file system is this kernel's own
   * ({@link FILE_FACTS}), and the file still has a name. No call may be using it.
   */
  closeFile(file: number, isLocal: boolean): void;
  /**
   * openat2(2), reading, close-on-exec: the file that `path`, relative to the open directory `folder`, leads to without
   * leaving it, on the same file system, as far as the kernel knows the way by heart (RESOLVE_BENEATH, RESOLVE_NO_XDEV,
   * RESOLVE_CACHED). A descriptor for `closeFile`, with its {@link FILE_FACTS} in `facts`, or `failed`. EAGAIN, EXDEV, EINVAL
   * and ENOSYS say nothing about the file: {@link openFileLater} tells. For local folders: elsewhere it may wait.
   */
  openFile(folder: number, path: string, facts: Float64Array): number;
  /**
   * statx(2): whether the file of which `openFile(folder, path, facts)` has told {@link FILE_FACTS} is what it would find again,
   * in the same state. That one has to be open still: no other can have its inode then. An open file and the folders above it are
   * known by heart; only where one of those was renamed, or a symbolic link is on the way that nobody has followed for long, may this
   * wait for the disk.
   */
  isSameFile(folder: number, path: string, facts: Float64Array): boolean;
  /**
   * `openFile` on a thread, whatever it takes: 0, and `done` follows with the descriptor, or with `failed` while
   * {@link NativeBinding.lastFailure} tells why: EXDEV when the path leaves the folder. With the folder -1 `path` is any (open(2)). `failed`
   * instead of 0 says that `folder` is not open.
   */
  openFileLater(folder: number, path: string, done: (file: number, facts?: Float64Array) => void): number;
}
