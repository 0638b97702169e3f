/**
 * One seed: echo, HTTP and files, plain and over TLS, all at once, under the faults that the seed brings.
 *
 * Rule: whatever is made here is gone when the run is over, and the checks see everything that happened.
 */
import type { FaultControl } from '@sluice/core-native/testing';
import { echo } from '@sluice/echo';
import { http } from '@sluice/http-lite';
import {
  type ClientTransport,
  createReactor,
  type Limits,
  type Protocol,
  type Reactor,
  type ServerTransport,
} from '@sluice/reactor';
import { echoClient } from './echo-client.ts';
import type { Outcome } from './exchange.ts';
import { fileClient } from './file-client.ts';
import { fileServer } from './file-server.ts';
import { httpClient } from './http-client.ts';
import { handler } from './http-server.ts';
import { Random } from './random.ts';
import { type Settings, settingsOf } from './settings.ts';
import { Watch } from './watch.ts';

/** How the bytes move; without transports it is TCP as it is. */
export interface Medium {
  readonly name: string;
  readonly server?: ServerTransport;
  readonly client?: ClientTransport;
}

type MakeClient = (name: string, random: Random, done: (outcome: Outcome) => void) => Protocol;

export class SeedRun {
  readonly settings: Settings;
  readonly watch = new Watch();
  readonly outcomes: Outcome[] = [];
  /** What the reactors reported, and handlers that failed although their connection had not. */
  readonly errors: Error[] = [];
  /** Why connections failed at a server before they were open. */
  readonly refused: Error[] = [];
  private readonly random: Random;
  private readonly control: FaultControl;
  private readonly seed: number;

  constructor(seed: number, control: FaultControl) {
    this.seed = seed;
    this.control = control;
    this.random = new Random(seed);
    this.settings = settingsOf(seed, this.random);
  }

  /** Runs all exchanges, and shuts everything down. */
  async run(media: readonly Medium[]): Promise<void> {
    this.control.reseed(this.seed, this.settings.rates);
    const server = this.reactor();
    const client = this.settings.oneReactor ? server : this.reactor();
    const serving = http(handler, { onError: () => {} });
    const exchanges = media.flatMap((medium) => [
      () => this.exchange(`echo over ${medium.name}`, medium, server, client, echo(), echoClient),
      () => this.exchange(`files over ${medium.name}`, medium, server, client, fileServer(), fileClient),
      () => this.exchange(`http over ${medium.name}`, medium, server, client, serving, httpClient),
    ]);
    if (this.settings.oneAtATime) for (const exchange of exchanges) await exchange();
    else await Promise.all(exchanges.map((exchange) => exchange()));
    await server.shutdown();
    if (client !== server) await client.shutdown();
  }

  private reactor(): Reactor {
    const limits: Partial<Limits> = this.settings.limits;
    return createReactor({ limits, poisonReads: true, onError: (error) => this.errors.push(error) });
  }

  private async exchange<State>(
    name: string,
    medium: Medium,
    server: Reactor,
    client: Reactor,
    served: Protocol<State>,
    makeClient: MakeClient,
  ): Promise<void> {
    const listening = await server.listen(
      {
        host: '127.0.0.1',
        port: 0,
        onConnectionError: (error) => this.refused.push(error),
        ...(medium.server && { transport: medium.server }),
      },
      this.watch.over(`${name}, server`, served),
    );
    const port = listening.address()?.port ?? 0;
    const clients = Array.from({ length: this.settings.clients }, (_, index) => {
      const random = new Random(this.random.integer(0, 0xffff_ffff));
      return this.oneClient(`${name} ${index}`, (done) => {
        const protocol = this.watch.over(`${name}, client`, makeClient(`${name} ${index}`, random, done));
        const transport = medium.client && { transport: medium.client };
        return client.connect({ host: '127.0.0.1', port, ...transport }, protocol);
      });
    });
    await Promise.all(clients);
    listening.close();
  }

  /** Resolves when the connection is gone, or was never made. */
  private oneClient(
    name: string,
    connect: (done: (outcome: Outcome) => void) => Promise<unknown>,
  ): Promise<void> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        this.outcomes.push(outcome);
        resolve();
      };
      connect(settle).catch((cause: Error) => {
        settle({ name, complete: false, damage: undefined, reason: 'not connected', cause });
      });
    });
  }
}
