/**
 * `@sluice/core-native`: epoll, sockets and OpenSSL as plain calls. Decides nothing; the reactor does.
 *
 * Rule: importing this package never loads the binary; {@link loadNative} does, and fails with words where it cannot.
 */
export * from './contract.ts';
export { NativeLoadError, type NativeLoadErrorCode, SluiceError } from './errors.ts';
export { loadNative } from './loader.ts';
export { SystemError } from './system-error.ts';
