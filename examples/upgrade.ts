/**
 * HTTP, and on the same connection a protocol of lines for clients that ask for it (RFC 9110 section 7.8).
 *
 *   npm run example -- upgrade --port 8080
 *   curl http://127.0.0.1:8080/
 *   curl -N -H 'Connection: Upgrade' -H 'Upgrade: capitals/1' http://127.0.0.1:8080/
 *   printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: capitals/1\r\n\r\nhello\nbye\n' | nc 127.0.0.1 8080
 */
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import { createReactor, type Protocol } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

/** What a client has sent of a line that is not complete yet. */
interface Session {
  unfinished: string;
}

const TOKEN = 'capitals/1';
const MAX_LINE_CHARACTERS = 4096;

/** Answers every line in capitals, and leaves after a `bye`. */
const capitals: Protocol<Session> = {
  onOpen(conn) {
    conn.write('ready\n');
    return { unfinished: '' };
  },

  onData(conn, chunk) {
    const lines = (conn.state.unfinished + chunk.toString('latin1')).split('\n');
    conn.state.unfinished = lines.pop() ?? '';
    for (const line of lines) {
      conn.write(`${line.trimEnd().toUpperCase()}\n`, 'latin1');
      if (line.trimEnd() === 'bye') return conn.close();
    }
    if (conn.state.unfinished.length > MAX_LINE_CHARACTERS) conn.destroy(new Error('line too long'));
  },

  onShutdown(conn) {
    conn.write('the server goes\n');
    conn.close();
  },
};

function answer(req: HttpRequest, res: HttpResponse): void {
  const isAsked = req.upgrades.some((offered) => offered.toLowerCase() === TOKEN);
  if (isAsked && !req.hasBody) {
    req.upgrade(capitals, { token: TOKEN });
    return;
  }
  res.setHeader('content-type', 'text/plain');
  res.end(`this server speaks ${TOKEN}, too: ask for it by Upgrade\n`);
}

const settings = await serverSettings();
const reactor = createReactor();
await serve(reactor, reactor.listen(settings, http(answer)));
