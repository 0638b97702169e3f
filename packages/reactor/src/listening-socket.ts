/**
 * A socket that listens, and what has to be undone and done because of where it does.
 *
 * Rule: whoever has one calls `close` once; descriptor and path go together.
 */
import { type SocketAddress, type SocketOptions, Status } from '@sluice/core-native';
import type { Sockets } from './loop.ts';
import { unlinkLater } from './unix-path.ts';

export class ListeningSocket {
  readonly fd: number;
  /** What it accepts are Unix sockets. */
  readonly isUnix: boolean;
  private readonly sockets: Sockets;
  /** Options that accepted sockets do not inherit: those of Unix sockets. */
  private readonly acceptedSendBuffer: number | undefined;
  private readonly unlink: (() => void) | undefined;
  /** Whether another process may hold the same socket. */
  private readonly isShared: boolean;
  private isRefusing = false;

  /** Takes over `fd`; `made` by us, where a path is what it was bound to, to be removed with it. */
  constructor(
    sockets: Sockets,
    fd: number,
    socketOptions: SocketOptions,
    made: { readonly path?: string } | 'passed',
  ) {
    const madePath = made === 'passed' ? undefined : made.path;
    this.isShared = made === 'passed';
    this.sockets = sockets;
    this.fd = fd;
    this.isUnix = madePath !== undefined || this.address()?.family === 'unix';
    this.acceptedSendBuffer = this.isUnix ? socketOptions.sendBufferBytes : undefined;
    this.unlink = madePath === undefined ? undefined : unlinkLater(madePath);
  }

  address(): SocketAddress | undefined {
    return this.sockets.localAddress(this.fd);
  }

  /** Gives an accepted socket the options that it did not inherit, and takes off what it should not have. */
  prepare(fd: number): void {
    if (this.acceptedSendBuffer !== undefined)
      this.sockets.setOption(fd, 'sendBufferBytes', this.acceptedSendBuffer);
    if (this.isRefusing) this.sockets.welcome(fd);
  }

  /**
   * Keeps newcomers out, so that the backlog comes to an end and nobody is lost when the socket is closed. Answers
   * whether TCP handshakes that had begun are still to be waited for.
   */
  refuseNew(): boolean {
    // Whoever finds no path asks another server; who was quicker is in the backlog.
    this.unlink?.();
    // A filter on a shared socket would be in the way of those who go on with it; whoever comes now is theirs.
    if (this.isUnix || this.isShared) return false;
    // Where the kernel can do neither, whoever connects until the socket closes is served like the others.
    const refused = (by: 'filter' | 'hopLimit') => this.sockets.refuseNew(this.fd, by) !== Status.failed;
    this.isRefusing = refused('filter') || refused('hopLimit');
    return true;
  }

  close(): void {
    // The path first: while the socket is open no other can have its inode number.
    this.unlink?.();
    this.sockets.close(this.fd);
  }
}
