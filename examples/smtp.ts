/**
 * A server that receives mail: SMTP (RFC 5321) with STARTTLS (RFC 3207), PIPELINING (RFC 2920), SIZE (RFC 1870) and 8BITMIME
 * (RFC 6152). It prints a line for each message and keeps none.
 *
 *   npm run example -- smtp --port 2525          (--cert FILE --key FILE for a certificate that somebody trusts)
 *   swaks --server 127.0.0.1:2525 --tls --to you@example.com
 */
import { createHash } from 'node:crypto';
import { type Connection, createReactor, delimited, FrameReader, type Protocol } from '@sluice/reactor';
import { startTls } from '@sluice/tls';
import { MailText } from './shared/mail-text.ts';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';

// 1. The grammar: lines. Only CR LF ends one, in a message too: whoever takes a bare LF for a line end reads other messages
// than the server before it did, and somebody has written them (SMTP smuggling, CVE-2023-51764).

const LINES = delimited('\r\n', { maxBytes: 64 * 1024 });
const MAX_COMMAND_BYTES = 1024;
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
const MAX_RECIPIENTS = 100;
const MAX_ERRORS = 10;
const COMMAND_MS = 5 * 60_000;
const MESSAGE_MS = 15 * 60_000;

/** A path (section 4.1.2), without the route in front that nobody uses any more, and the parameters behind it. */
const PATH = /^<(?:@[!-9;-~]+:)?((?:"(?:[ !#-[\]-~]|\\[ -~])*"|[!#-;=?-~])*)>((?: [!-~]+)*)$/;

function pathIn(text: string, keyword: 'FROM:' | 'TO:') {
  if (!text.toUpperCase().startsWith(keyword)) return undefined;
  const [, address, rest = ''] = PATH.exec(text.slice(keyword.length)) ?? [];
  return address === undefined || address.length > 254 ? undefined : { address, parameters: rest.split(' ') };
}

// 2. What is known of a client and its message.

interface Session {
  readonly lines: FrameReader;
  /** Empty before EHLO. */
  helo: string;
  /** Empty for a report of failed delivery; undefined while there is no message. */
  sender: string | undefined;
  recipients: string[];
  /** The message that is coming in: lines belong to that and are no commands. */
  text: MailText | undefined;
  errors: number;
}

type Client = Connection<Session>;

/** Part of a session, or all of it, as it is before anything was said. */
const noMail = () => ({ sender: undefined, recipients: [], text: undefined });
const newSession = (): Session => ({ lines: new FrameReader(LINES), helo: '', errors: 0, ...noMail() });

/** What becomes of a message. Who returns from here has taken responsibility for it (section 6.1). */
function deliver({ state: { sender, recipients, helo }, tls }: Client, bytes: Buffer): void {
  const digest = createHash('sha256').update(bytes).digest('hex');
  const to = recipients.map((each) => `<${each}>`).join(' ');
  const how = `${tls?.protocol ?? 'in plain'}, from ${helo}`;
  console.error(`<${sender}> to ${to}: ${bytes.length} bytes, sha256 ${digest}, ${how}`);
}

// 3. The commands. Their answers leave together where several came together: that is all it takes for pipelining.

function reply(conn: Client, code: number, ...lines: readonly string[]): void {
  const last = lines.length - 1;
  conn.write(lines.map((line, at) => `${code}${at < last ? '-' : ' '}${line}\r\n`).join(''), 'latin1');
  if (code >= 500) conn.state.errors += 1;
}

function leave(conn: Client, code: number, why: string): void {
  reply(conn, code, why);
  conn.close();
}

function hello(conn: Client, name: string, extensions: readonly string[]): void {
  if (!/^[!-~]{1,255}$/.test(name)) return reply(conn, 501, 'who are you?');
  Object.assign(conn.state, noMail(), { helo: name });
  return reply(conn, 250, 'localhost', ...extensions);
}

/** By name, in capitals, as nothing is that an object has by itself. */
const commands: Readonly<Record<string, (conn: Client, rest: string) => void>> = {
  HELO: (conn, rest) => hello(conn, rest, []),

  EHLO(conn, rest) {
    const extensions = ['PIPELINING', `SIZE ${MAX_MESSAGE_BYTES}`, '8BITMIME'];
    hello(conn, rest, conn.tls === undefined ? [...extensions, 'STARTTLS'] : extensions);
  },

  STARTTLS(conn) {
    if (conn.tls !== undefined) return reply(conn, 503, 'once is enough');
    reply(conn, 220, 'go ahead');
    // What came behind the command was said in plain, by whoever was on the way: nobody obeys it (CVE-2011-0411).
    return startTls(conn, transport, { head: conn.state.lines.takeRest(), early: 'refuse' });
  },

  MAIL(conn, rest) {
    const { state } = conn;
    const path = pathIn(rest, 'FROM:');
    if (state.helo === '') return reply(conn, 503, 'say EHLO first');
    if (state.sender !== undefined) return reply(conn, 503, 'one message after the other');
    if (path === undefined || !/^$|.@./.test(path.address)) return reply(conn, 501, 'MAIL FROM:<address>');
    for (const parameter of path.parameters) {
      const [, size] = /^SIZE=(\d{1,20})$/i.exec(parameter) ?? [];
      if (Number(size) > MAX_MESSAGE_BYTES) return reply(conn, 552, 'the message is too big');
      if (size === undefined && !/^$|^BODY=(7BIT|8BITMIME)$/i.test(parameter))
        return reply(conn, 555, 'no such parameter');
    }
    state.sender = path.address;
    return reply(conn, 250, 'ok');
  },

  RCPT(conn, rest) {
    const { state } = conn;
    const path = pathIn(rest, 'TO:');
    if (state.sender === undefined) return reply(conn, 503, 'say MAIL first');
    if (path === undefined || !/.@.|^postmaster$/i.test(path.address))
      return reply(conn, 501, 'RCPT TO:<address>');
    if (path.parameters.join('') !== '') return reply(conn, 555, 'no such parameter');
    if (state.recipients.length === MAX_RECIPIENTS) return reply(conn, 452, 'too many recipients');
    state.recipients.push(path.address);
    return reply(conn, 250, 'ok');
  },

  DATA(conn) {
    if (conn.state.recipients.length === 0) return reply(conn, 503, 'say RCPT first');
    conn.state.text = new MailText(MAX_MESSAGE_BYTES);
    conn.setDeadline(MESSAGE_MS);
    return reply(conn, 354, 'a dot on a line of its own ends it');
  },

  RSET(conn) {
    Object.assign(conn.state, noMail());
    reply(conn, 250, 'ok');
  },

  NOOP: (conn) => reply(conn, 250, 'ok'),
  VRFY: (conn) => reply(conn, 252, 'send it and see'),
  QUIT: (conn) => leave(conn, 221, 'bye'),
};

function onCommand(conn: Client, line: Buffer): void {
  conn.setDeadline(COMMAND_MS);
  if (line.length > MAX_COMMAND_BYTES) return reply(conn, 500, 'the line is too long');
  const [, verb = '', rest = ''] = /^([a-z]+)(?: +(.*?))? *$/i.exec(line.toString('latin1')) ?? [];
  const name = verb.toUpperCase();
  const command = commands[name];
  if (command === undefined) return reply(conn, 500, 'no such command');
  if (rest !== '' && /^(STARTTLS|DATA|RSET|QUIT)$/.test(name))
    return reply(conn, 501, `${name} stands alone`);
  return command(conn, rest);
}

/** A single dot is the end. Of what else begins with a dot the client has put that there (section 4.5.2). */
function onText(conn: Client, text: MailText, line: Buffer): void {
  const isDotted = line[0] === 0x2e;
  if (!isDotted || line.length > 1) return text.add(isDotted ? line.subarray(1) : line);
  if (text.problem === undefined) deliver(conn, text.all());
  Object.assign(conn.state, noMail());
  conn.setDeadline(COMMAND_MS);
  return reply(conn, ...(text.problem ?? ([250, 'ok'] as const)));
}

// 4. The protocol. A message whose end does not come is nobody's, whatever becomes of the connection.

const smtp: Protocol<Session> = {
  onOpen(conn) {
    conn.setDeadline(COMMAND_MS);
    conn.write('220 localhost ESMTP\r\n', 'latin1');
    return newSession();
  },
  onData(conn, chunk) {
    const onLine = (client: Client, line: Buffer) => {
      const { text } = client.state;
      if (text === undefined) onCommand(client, line);
      else onText(client, text, line);
      if (client.state.errors >= MAX_ERRORS) leave(client, 421, 'too many errors');
      // Who does not read its answers is asked no more before it has: backpressure.
      if (client.needsDrain) client.pause();
    };
    conn.state.lines.read(conn, chunk, onLine, (client) => leave(client, 500, 'the line is too long'));
  },
  // All that was said in plain is forgotten (RFC 3207 section 4.2).
  onUpgraded: (conn) => void Object.assign(conn.state, newSession()),
  onDrain: (conn) => conn.resume(),
  onTimeout(conn) {
    leave(conn, 421, 'that took too long');
    return true;
  },
  onShutdown: (conn) => leave(conn, 421, 'the server shuts down'),
};

const { transport: sealed, ...plain } = (await settingsWith({ tls: true })).options;
const transport = sealed as NonNullable<typeof sealed>;
// So many clients, and so many messages in memory.
const reactor = createReactor({ limits: { maxConnections: 100, firstByteTimeoutMs: COMMAND_MS } });
await serve(reactor, reactor.listen(plain, smtp));
