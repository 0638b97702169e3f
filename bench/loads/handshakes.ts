/**
 * `handshakes.ts HOST PORT SECONDS VERSION full|resumed`: opens TLS connections of VERSION (`1.2`, `1.3`), a few at a time, and
 * closes them: for a second to get warm, then, whenever it is asked, for SECONDS, and says how many there were. `resumed` ones
 * take up the session of an earlier one, and wait for an answer before they go: with that a server sends the ticket for the next.
 * They all take up the same session where the server lets them, for Node gives out no new one then; else each its own.
 *
 * Our own client, which is twice as fast as Node's: a server that sleeps between two handshakes is measured falling asleep.
 *
 * Rule: a handshake of the other kind is an error of the run, but for the few that come before there is a session.
 */
import { type Connection, createReactor } from '@sluice/reactor';
import { type TlsClientOptions, tlsClient, tlsStats } from '@sluice/tls';
import { answer, fail, say } from './say.ts';

const AT_A_TIME = 8;
const WARM_UP_SECONDS = 1;
/** Of a hundred, as many have to be resumed where they should. */
const LEAST_RESUMED_PERCENT = 99;
/** An echo server sends it back, an HTTP server answers it. */
const QUESTION = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');

const [host = '', port = '', seconds = '', version = '', kind = ''] = process.argv.slice(2);
const reactor = createReactor();
const isResumed = kind === 'resumed';
const options: TlsClientOptions = {
  // The one group that every server here knows; up to TLS 1.2 the list is about the certificate's key too. That is nobody's.
  groups: version === '1.2' ? 'X25519:P-256' : 'X25519',
  verify: false,
  minVersion: version === '1.2' ? 'TLSv1.2' : 'TLSv1.3',
  maxVersion: version === '1.2' ? 'TLSv1.2' : 'TLSv1.3',
};
const remembers = tlsClient(options);
let transport = isResumed ? remembers : tlsClient({ ...options, sessionCacheSize: 0 });
let session: Buffer | undefined;
let handshakes = 0;
/** Of those. */
let resumed = 0;

if (isResumed) {
  await visitFor(0);
  if (session === undefined) fail('the server has given no session');
  else transport = tlsClient({ ...options, session, sessionCacheSize: 0 });
}
await visitFor(WARM_UP_SECONDS);
if (isResumed && !isEnough()) {
  transport = remembers;
  await visitFor(WARM_UP_SECONDS);
}
say({ handshakes });
answer(() => void measure());

async function measure(): Promise<void> {
  await visitFor(Number(seconds));
  const isAsAsked = isResumed ? isEnough() : resumed === 0;
  if (isAsAsked) say({ handshakes });
  else fail(`${resumed} of ${handshakes} handshakes were resumed`);
}

function isEnough(): boolean {
  return (resumed / handshakes) * 100 >= LEAST_RESUMED_PERCENT;
}

async function visitFor(seconds: number): Promise<void> {
  handshakes = 0;
  const before = tlsStats().handshakesResumed;
  const end = performance.now() + seconds * 1000;
  const again = async () => {
    do await visit();
    while (performance.now() < end);
  };
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, again));
  } catch (thrown) {
    fail(`handshake ${handshakes}: ${(thrown as Error).message}`);
  }
  resumed = tlsStats().handshakesResumed - before;
}

/** One connection, from its handshake to the end of both sides. */
function visit(): Promise<void> {
  return new Promise((resolve, reject) => {
    const protocol = {
      onOpen(conn: Connection<void>) {
        handshakes += 1;
        if (isResumed) conn.writeShared(QUESTION);
        else conn.close();
      },
      onData(conn: Connection<void>) {
        if (isResumed) session ??= conn.tls?.session();
        conn.close();
      },
      onClose: () => resolve(),
    };
    reactor.connect({ host, port: Number(port), transport }, protocol).catch(reject);
  });
}
