/** The server behind {@link Server}: one listener, and the end of it. */
import type { SocketAddress } from '@sluice/core-native';
import { Drain, type ShutdownReport } from './drain.ts';
import type { EventLoop } from './event-loop.ts';
import type { Listener } from './listener.ts';
import { shutdownDeadline } from './options.ts';
import type { Server } from './server.ts';

export class ListeningServer<State> implements Server {
  private readonly loop: EventLoop;
  private readonly listener: Listener<State>;
  private closing: Promise<ShutdownReport> | undefined;

  constructor(loop: EventLoop, listener: Listener<State>) {
    this.loop = loop;
    this.listener = listener;
  }

  address(): SocketAddress | undefined {
    return this.listener.address;
  }

  get connections(): number {
    return this.listener.connections;
  }

  pause(): void {
    this.listener.pause();
  }

  resume(): void {
    this.listener.resume();
  }

  async close(options: { deadlineMs?: number } = {}): Promise<ShutdownReport> {
    const deadlineMs = shutdownDeadline(options);
    this.closing ??= new Drain(
      this.loop,
      {
        remaining: () => this.loop.pollables.filter(({ listener }) => listener === this.listener),
        isEmpty: () => this.listener.state === 'closed' && this.listener.connections === 0,
        gone: () => this.listener.gone,
      },
      deadlineMs,
    ).done;
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
