/**
 * The protocols of a run, and the state that each makes for a connection.
 *
 * Rule: a hook finds the state that its own protocol made last, or the connection is another's.
 */
import type { Connection, Protocol } from '../../src/index.ts';
import type { Actor } from './actor.ts';

export class Role {
  readonly protocol: Protocol<Role>;
  private readonly actor: Actor;

  constructor(actor: Actor, protocol: Protocol<Role>) {
    this.actor = actor;
    this.protocol = protocol;
  }

  /** Who is told, as a hook of `protocol`. */
  of(protocol: Protocol<Role>): Actor {
    return this.actor.as(this, protocol);
  }
}

/** A protocol as every connection of a run speaks it. */
export function acting(isCalm: () => boolean, actorOf: (conn: Connection<Role>) => Actor): Protocol<Role> {
  const protocol: Protocol<Role> = {
    onOpen: (conn) => actorOf(conn).opening(conn, protocol),
    onData: (conn, chunk) => conn.state.of(protocol).data(chunk),
    onUpgraded: (conn) => conn.state.of(protocol).upgraded(),
    onDrain: (conn) => conn.state.of(protocol).drain(),
    onEnd: (conn) => conn.state.of(protocol).end(),
    onFinish: (conn) => conn.state.of(protocol).sideEnded(),
    onTimeout: (conn, which) => conn.state.of(protocol).timeout(which),
    onShutdown: (conn) => conn.state.of(protocol).shutdown(conn, isCalm()),
    onClose: (conn, reason, cause) => conn.state.of(protocol).closed(reason, cause),
  };
  return protocol;
}
