/** Connections that say nothing, held open by a process of their own. */
import { withDescriptors } from './descriptors.ts';
import { LoadProcess } from './load-process.ts';
import type { ServerProcess } from './server-process.ts';
import type { Case, Load } from './suite.ts';

/** What a process may have open besides its connections. */
export const MORE_DESCRIPTORS = 500;

interface Told {
  readonly open: number;
}

export class IdleConnections {
  private readonly load: LoadProcess;

  private constructor(load: LoadProcess) {
    this.load = load;
  }

  /** Opens `count`, over TLS where the case has credentials for that. */
  static async open(
    server: Pick<ServerProcess, 'endpoint'>,
    { credentials }: Pick<Case, 'credentials'>,
    count: number,
    load: Pick<Load, 'pinning' | 'signal'>,
  ): Promise<IdleConnections> {
    const args = [...server.endpoint, `${count}`, ...(credentials === undefined ? [] : ['tls'])];
    const process = new LoadProcess('idle', args, load, withDescriptors(count + MORE_DESCRIPTORS));
    try {
      let open = 0;
      while (open < count) ({ open } = await process.says<Told>());
      return new IdleConnections(process);
    } catch (thrown) {
      await process.stop();
      throw thrown;
    }
  }

  /** How many of them the server has not closed. */
  async left(): Promise<number> {
    return (await this.load.ask<Told>('open')).open;
  }

  /** Closes them. */
  stop(): Promise<void> {
    return this.load.stop();
  }
}
