/** What a framing makes of chunks, told by a connection of the real machine over a scripted transport. */
import { FrameReader, type Framing, type Protocol } from '../../src/index.ts';
import { Harness } from '../../src/testing/index.ts';

export interface Told {
  readonly frames: string[];
  /** What the connection was closed with, if it was. */
  error: (Error & { code?: string }) | undefined;
}

/** A frame as a test writes it, copied: it is borrowed. */
export function text(frame: string | Buffer): string {
  return typeof frame === 'string' ? frame : frame.toString('latin1');
}

export async function tellFrames(
  framing: Framing<string | Buffer>,
  chunks: readonly (string | Uint8Array)[],
): Promise<Told> {
  const told: Told = { frames: [], error: undefined };
  const protocol: Protocol<FrameReader<string | Buffer>> = {
    onOpen: () => new FrameReader(framing),
    onData: (conn, chunk) =>
      conn.state.read(conn, chunk, (_conn, frame) => void told.frames.push(text(frame))),
    onClose: (_conn, _reason, cause) => {
      told.error = cause;
    },
  };
  const harness = new Harness();
  await harness.listen(protocol);
  harness.accept(({ reads }) => {
    for (const chunk of chunks) {
      if (chunk.length > 0)
        reads.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : Buffer.from(chunk));
    }
  });
  harness.poller.settle();
  if (harness.errors.length > 0) throw harness.errors[0];
  return told;
}
