/**
 * Two connections joined: what one end says the other gets, as fast as the slower one takes it, each direction until it ends.
 *
 * Rule: an end is carried as an end and a break as a break: what was cut never looks whole on the other side.
 */
import type { Connection, Protocol } from '@sluice/reactor';

/** One end of a tunnel. */
export interface End {
  /** Missing until it is connected. */
  other: Connection<End> | undefined;
}

export interface TunnelOptions {
  /** Connects to where the tunnel goes; `far` is to be the protocol there. */
  readonly dial: (far: Protocol<End>) => Promise<unknown>;
  /** Both ends are there, and nothing has gone from one to the other yet. */
  readonly onJoined?: (near: Connection<End>, far: Connection<End>) => void;
  /** There is no far end. The near one is the hook's, to be told and to be closed. */
  readonly onRefused: (near: Connection<End>, error: Error) => void;
}

/** What both ends do: each reads no faster than the other sends, and ends when the other has ended. */
const either: Omit<Protocol<End>, 'onOpen'> = {
  onData(conn, chunk) {
    if (conn.state.other?.write(chunk) === false) conn.pause();
  },
  onDrain: (conn) => conn.state.other?.resume(),
  onEnd: (conn) => conn.state.other?.end(),
  // Both go on until they are done, or until the deadline of the shutdown breaks them: closed here, it would look like the end.
  onShutdown() {},
  onClose({ state: { other } }, reason, cause) {
    if (reason === 'clean') other?.end();
    else other?.destroy(cause);
  },
};

/** The protocol of the near end: nothing is read there before there is somebody to give it to. */
export function tunnel({ dial, onJoined, onRefused }: TunnelOptions): Protocol<End> {
  const farEndOf = (near: Connection<End>): Protocol<End> => ({
    ...either,
    onOpen(far) {
      // Nothing is read there meanwhile, but a shutdown may have ended it.
      if (near.lifecycle === 'closed') far.destroy();
      near.state.other = far;
      // Who talks first, and when, is for those to know who talk through us.
      for (const end of [near, far]) end.setTimeouts({ firstByteTimeoutMs: 0 });
      onJoined?.(near, far);
      near.resume();
      return { other: near };
    },
  });
  return {
    ...either,
    onOpen(near) {
      near.pause();
      dial(farEndOf(near)).catch((error: Error) => onRefused(near, error));
      return { other: undefined };
    },
  };
}
