/**
 * A descriptor held for the moment when the process has no other left, so that one connection at a time can still be
 * served: without it a listener whose connections stay for long would answer nobody, health checks included.
 */
import { Status } from '@sluice/core-native';
import type { Sockets } from './loop.ts';

export class DescriptorReserve {
  private readonly sockets: Sockets;
  private fd: number = Status.failed;

  constructor(sockets: Sockets) {
    this.sockets = sockets;
    this.restore();
  }

  /** Whether it is held, taken again if it can be. While it is not, there is no free descriptor. */
  restore(): boolean {
    if (this.fd < 0) this.fd = this.sockets.reserve();
    return this.fd >= 0;
  }

  /** Frees it for another use; false when it was not held. */
  spend(): boolean {
    if (this.fd < 0) return false;
    this.sockets.close(this.fd);
    this.fd = Status.failed;
    return true;
  }
}
