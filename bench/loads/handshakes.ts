/**
 * `handshakes.ts HOST PORT SECONDS`: opens TLS connections, a few at a time, each with a full handshake, and closes them:
 * for a second to get warm, then, whenever it is asked, for SECONDS, and says how many there were.
 *
 * Our own client, which is twice as fast as Node's: a server that sleeps between two handshakes is measured falling asleep.
 */
import { createReactor } from '../../packages/reactor/src/index.ts';
import { tlsClient } from '../../packages/tls/src/index.ts';
import { answer, fail, say } from './say.ts';

const AT_A_TIME = 8;
const WARM_UP_SECONDS = 1;

const [host = '', port = '', seconds = ''] = process.argv.slice(2);
const reactor = createReactor();
/** The one group that every server here knows; the certificate of a benchmark is nobody's; no session is resumed. */
const transport = tlsClient({ groups: 'X25519', verify: false, sessionCacheSize: 0 });
let handshakes = 0;

await visitFor(WARM_UP_SECONDS);
answer(() => void visitFor(Number(seconds)));

async function visitFor(seconds: number): Promise<void> {
  handshakes = 0;
  const end = performance.now() + seconds * 1000;
  const again = async () => {
    while (performance.now() < end) await visit();
  };
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, again));
    say({ handshakes });
  } catch (thrown) {
    fail(`handshake ${handshakes}: ${(thrown as Error).message}`);
  }
}

/** One connection, from its handshake to the end of both sides. */
function visit(): Promise<void> {
  return new Promise((resolve, reject) => {
    const protocol = {
      onOpen(conn: { close(): void }) {
        handshakes += 1;
        conn.close();
      },
      onClose: () => resolve(),
    };
    reactor.connect({ host, port: Number(port), transport }, protocol).catch(reject);
  });
}
