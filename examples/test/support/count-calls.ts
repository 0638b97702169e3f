/**
 * Counts what is called in the addon: each call crosses from JavaScript to C++ and back, and most are a system call.
 *
 * Rule: everything of the addon is counted, so that a call that is new shows too.
 */
import { loadNative } from '@sluice/core-native';

type Callable = (this: unknown, ...args: unknown[]) => unknown;

export class CallCounter {
  private counts: Record<string, number> = {};
  private readonly undo: (() => void)[] = [];

  /** From now on, in this process, until `restore`. What was created before is counted as well. */
  constructor() {
    const native = loadNative();
    this.wrap(native, '');
    this.wrap(native.Epoll.prototype as object, 'Epoll.');
    this.wrap(native.TlsSession.prototype as object, 'TlsSession.');
  }

  private wrap(owner: object, prefix: string): void {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      // Constructors are classes: what they make is counted by its methods.
      if (typeof value !== 'function' || /^[A-Z]/.test(name) || name === 'constructor') continue;
      const call = value as Callable;
      const note = () => {
        this.counts[prefix + name] = (this.counts[prefix + name] ?? 0) + 1;
      };
      const counted: Callable = function (...args) {
        note();
        return Reflect.apply(call, this, args);
      };
      Object.defineProperty(owner, name, { value: counted, configurable: true, writable: true });
      this.undo.push(() => Object.defineProperty(owner, name, { value, configurable: true, writable: true }));
    }
  }

  restore(): void {
    for (const put of this.undo) put();
  }

  /** What `action` has called, by name. */
  async during(action: () => Promise<unknown>): Promise<Record<string, number>> {
    this.counts = {};
    await action();
    const { counts } = this;
    this.counts = {};
    return counts;
  }
}
