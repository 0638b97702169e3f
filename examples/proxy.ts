/**
 * Ends TLS in front of a server that has none, `http --port 8080` for instance, or has its own.
 *
 *   npm run example -- proxy --port 8443 --tls --to tcp://127.0.0.1:8080       (or tls://…, with --ca FILE)
 *   curl -k https://127.0.0.1:8443/
 */
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { readPemFile, tlsClient } from '@sluice/tls';
import { exitWith, orExit } from './shared/exit-with.ts';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';

/** One end of a pair; the other is missing until it is connected. */
interface End {
  other: Connection<End> | undefined;
}

/** What both ends of a pair do: each reads no faster than the other sends, and ends when the other has ended. */
const pair: Omit<Protocol<End>, 'onOpen'> = {
  onData(conn, chunk) {
    if (conn.state.other?.write(chunk) === false) conn.pause();
  },
  onDrain: (conn) => conn.state.other?.resume(),
  onEnd: (conn) => conn.state.other?.end(),
  onClose(conn, reason, cause) {
    if (reason === 'clean') conn.state.other?.end();
    else conn.state.other?.destroy(cause);
  },
};

const back = (front: Connection<End>): Protocol<End> => ({
  ...pair,
  onOpen(conn) {
    front.state.other = conn;
    if (front.lifecycle === 'closed') conn.destroy();
    front.resume();
    return { other: front };
  },
});

const front: Protocol<End> = {
  ...pair,
  onOpen(conn) {
    conn.pause();
    reactor.connect(upstream, back(conn)).catch((error: Error) => {
      console.error(error.message);
      conn.destroy(error);
    });
    return { other: undefined };
  },
};

const { options, flags } = await settingsWith({ flags: ['to', 'ca'] });
const { to = '', ca } = flags;
const { protocol, hostname: host, port } = orExit(() => new URL(to));
if (!/^(tcp|tls):$/.test(protocol)) exitWith(new Error('--to must be tcp://HOST:PORT or tls://HOST:PORT'));
const transport = orExit(() => tlsClient(ca === undefined ? {} : { ca: readPemFile(ca) }));
const upstream = { host, port: Number(port), ...(protocol === 'tls:' ? { transport } : {}) };
const reactor = createReactor();
await serve(reactor, reactor.listen(options, front));
