/**
 * Which platforms the addon exists for: epoll is Linux's, and binaries are built for two processors.
 *
 * Rule: an unsupported platform is told so in words, before anything tries to load a file that cannot be there.
 */
import { NativeLoadError } from './errors.ts';

/** What {@link assertSupportedPlatform} looks at; `process` fits. */
export interface Platform {
  readonly platform: string;
  readonly arch: string;
}

const SUPPORTED_ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/** Throws a {@link NativeLoadError} with `ERR_PLATFORM` unless `found` is Linux on x64 or arm64. */
export function assertSupportedPlatform(found: Platform): void {
  if (found.platform === 'linux' && SUPPORTED_ARCHITECTURES.includes(found.arch)) return;
  throw new NativeLoadError(
    'ERR_PLATFORM',
    `Sluice needs Linux on x64 or arm64; this is ${found.platform} on ${found.arch}. ` +
      'It is built on epoll(7), which other systems do not have. ' +
      'On macOS and Windows run it in a Linux container or virtual machine: ' +
      'docker run --rm -it -v "$PWD":/app -w /app node:22 bash',
  );
}
