/**
 * Watches how a reactor uses its epoll. A misdirected event does no harm that could be seen from outside: every event is
 * a hint, and whoever gets one too many reads nothing. So the rule behind it is watched instead (P6).
 *
 * Rule: a slot that was given back while a batch is dispatched is not given out before the batch is over, and no two
 * descriptors ever share one.
 */
import type { NativeBinding, NativeEpoll } from '@sluice/core-native';

export class SlotAudit {
  private found: string[] = [];

  /** From now on every epoll that is made is watched. */
  constructor(native: NativeBinding) {
    const audit = this;
    const { Epoll } = native;
    class WatchedEpoll extends Epoll {
      private readonly slots = new Map<number, number>();
      private readonly freedInBatch = new Set<number>();
      private inBatch = false;

      override add(fd: number, slot: number, generation: number, interest: number): void {
        if (this.freedInBatch.has(slot))
          audit.found.push(`slot ${slot} was given out again inside its batch`);
        for (const [other, taken] of this.slots) {
          if (taken === slot) audit.found.push(`descriptors ${other} and ${fd} share slot ${slot}`);
        }
        super.add(fd, slot, generation, interest);
        this.slots.set(fd, slot);
      }

      override remove(fd: number): void {
        const slot = this.slots.get(fd);
        if (slot !== undefined && this.inBatch) this.freedInBatch.add(slot);
        this.slots.delete(fd);
        super.remove(fd);
      }

      override watch(onReady: (count: number) => void): void {
        super.watch((count) => {
          this.inBatch = true;
          onReady(count);
          this.inBatch = false;
          this.freedInBatch.clear();
        });
      }
    }
    (native as { Epoll: new (events: Int32Array) => NativeEpoll }).Epoll = WatchedEpoll;
  }

  /** What was found since the last call. */
  takeFindings(): string[] {
    const { found } = this;
    this.found = [];
    return found;
  }
}
