/**
 * What is told of a file that was opened, as numbers in an array.
 *
 * Rule: the order is that of native/open_file.cc.
 */

/**
 * What `openFile` tells of a file, by position: its kind (1 regular, 2 a directory, 0 anything else), its size in bytes, when
 * it was modified (seconds since 1970, and nanoseconds), its device, the two halves of its inode's number, and
 * whether the file system is known to be this kernel's own (1), so that neither a server nor a program is asked for it, and when
 * anything about it changed (seconds and nanoseconds): its bytes, names, owner or mode.
 */
export const FILE_FACTS = {
  kind: 0,
  sizeBytes: 1,
  modifiedSeconds: 2,
  modifiedNanoseconds: 3,
  device: 4,
  inodeHigh: 5,
  inodeLow: 6,
  isLocal: 7,
  changedSeconds: 8,
  changedNanoseconds: 9,
  length: 10,
} as const;
