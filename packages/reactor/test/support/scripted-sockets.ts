/** Sockets of the plain transport by script: what each receives and takes, and which calls that needed. */
import type { constants } from 'node:os';
import { FakeSockets } from '../../src/testing/index.ts';
import { Status } from '../../src/transport.ts';

type Errno = keyof typeof constants.errno;
/** One answer of recv, or of send: bytes (taken), the end, or an errno. */
type Inbound = string | { readonly ends: true } | { readonly errno: Errno };
type Outbound = number | { readonly errno: Errno };

/** With a record of every call, those in one call for many by how many they are. */
export class ScriptedSockets extends FakeSockets {
  readonly calls: string[] = [];
  readonly inbound = new Map<number, Inbound[]>();
  readonly outbound = new Map<number, Outbound[]>();
  readonly sent = new Map<number, string>();
  private inMany = false;

  sends(fd: number, ...what: Inbound[]): void {
    this.inbound.set(fd, [...(this.inbound.get(fd) ?? []), ...what]);
  }

  override recv(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    if (!this.inMany) this.calls.push(`recv ${fd}`);
    const next = this.inbound.get(fd)?.shift();
    if (next === undefined) return Status.wantsRead;
    if (typeof next !== 'string') return 'ends' in next ? Status.ended : this.fail(next.errno, 'recv');
    const bytes = Buffer.from(next);
    const count = Math.min(length, bytes.length);
    buffer.set(bytes.subarray(0, count), offset);
    if (count < bytes.length) this.inbound.get(fd)?.unshift(next.slice(count));
    return count;
  }

  override send(fd: number, buffer: Uint8Array, offset: number, length: number): number {
    if (!this.inMany) this.calls.push(`send ${fd}`);
    const most = this.outbound.get(fd)?.shift() ?? length;
    if (typeof most !== 'number')
      return most.errno === 'EAGAIN' ? Status.wantsWrite : this.fail(most.errno, 'send');
    const count = Math.min(most, length);
    const text = Buffer.from(buffer.subarray(offset, offset + count)).toString();
    this.sent.set(fd, (this.sent.get(fd) ?? '') + text);
    return count;
  }

  override recvMany(table: Int32Array, count: number, buffer: Uint8Array): void {
    this.calls.push(`recvMany of ${count}`);
    this.many(() => super.recvMany(table, count, buffer));
  }

  override sendMany(table: Int32Array, count: number, buffer: Uint8Array): void {
    this.calls.push(`sendMany of ${count}`);
    this.many(() => super.sendMany(table, count, buffer));
  }

  override setOption(fd?: number, option?: string): number {
    if (option === 'lingerSeconds') this.calls.push(`cut ${fd}`);
    return 0;
  }

  override close(fd: number): void {
    this.calls.push(`close ${fd}`);
    super.close(fd);
  }

  private many(action: () => void): void {
    this.inMany = true;
    action();
    this.inMany = false;
  }
}
