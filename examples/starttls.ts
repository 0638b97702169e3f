/**
 * The first words of a mail server (SMTP, RFC 5321), in plain until its client asks for TLS (RFC 3207).
 *
 *   npm run example -- starttls --port 2525
 *   openssl s_client -starttls smtp -connect 127.0.0.1:2525
 */
import { type Connection, createReactor, type Protocol, type ServerTransport } from '@sluice/reactor';
import { startTls } from '@sluice/tls';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';

/** What a client has sent of a line that is not complete yet. */
interface Session {
  unfinished: Buffer;
}

const MAX_LINE_BYTES = 512;
const NOTHING = Buffer.alloc(0);

/** Answers a line; what comes behind a STARTTLS is not for us to look at. */
function answer(conn: Connection<Session>, line: string): 'starttls' | undefined {
  const verb = line.trim().toUpperCase();
  if (verb === 'STARTTLS' && conn.tls === undefined) {
    conn.write('220 ready to start TLS\r\n');
    return 'starttls';
  }
  if (verb.startsWith('EHLO '))
    conn.write(conn.tls ? '250 localhost\r\n' : '250-localhost\r\n250 STARTTLS\r\n');
  else if (verb === 'NOOP') conn.write(`250 ${conn.tls?.protocol ?? 'in plain'}\r\n`);
  else conn.write(verb === 'QUIT' ? '221 bye\r\n' : '502 not in this example\r\n');
  if (verb === 'QUIT') conn.close();
  return undefined;
}

const mail = (transport: ServerTransport): Protocol<Session> => ({
  onOpen(conn) {
    conn.write('220 localhost ESMTP\r\n');
    return { unfinished: NOTHING };
  },

  onData(conn, chunk) {
    let rest = Buffer.concat([conn.state.unfinished, chunk]);
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const asked = answer(conn, rest.toString('latin1', 0, end));
      rest = rest.subarray(end + 1);
      if (asked === 'starttls') {
        startTls(conn, transport, { head: rest });
        rest = NOTHING;
      }
    }
    conn.state.unfinished = rest;
    if (rest.length > MAX_LINE_BYTES) conn.destroy(new Error('line too long'));
  },
});

const { options } = await settingsWith({ tls: true });
const { transport, ...plain } = options;
const reactor = createReactor();
await serve(reactor, reactor.listen(plain, mail(transport as ServerTransport)));
