/** `smtp` as swaks, curl and Python's smtplib see it, and as peers do that keep to no protocol. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { needsTool, startTool, type ToolName } from '@sluice-internal/foreign-programs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { peakMemoryBytes } from './support/peak-memory.ts';
import { type ExampleServer, startServer } from './support/server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const MEBIBYTE = 1024 * 1024;
const LETTER = 'Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\nend.\r\n';
const ENVELOPE = 'MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n';

describe('swaks', () => {
  const to = ['--from', 'a@example.com', '--to', 'b@example.org'];

  it.for<[how: string, flags: string[], tls: string]>([
    ['in plain', [], 'in plain'],
    ['with STARTTLS', ['--tls'], 'TLSv1.3'],
    ['with STARTTLS and TLS 1.2', ['--tls', '--tls-protocol', 'tlsv1_2'], 'TLSv1.2'],
    ['in a pipeline', ['--pipeline'], 'in plain'],
    ['in a pipeline, with STARTTLS', ['--pipeline', '--tls'], 'TLSv1.3'],
    ['after HELO', ['--protocol', 'SMTP'], 'in plain'],
  ])('delivers %s what it was given, dots included', async ([, flags, tls], context) => {
    needsTool(context, 'swaks');
    const server = await startServer('smtp');
    expect(await send(server, LETTER, [...to, ...flags])).toMatchObject({ code: 0 });
    // It puts an empty line behind whatever it sends.
    const [line] = await server.printed(/^<.*/, 'stderr');
    expect(line).toBe(
      `<a@example.com> to <b@example.org>: ${told(`${LETTER}\r\n`)}, ${tls}, from here.example`,
    );
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it('delivers 5 MiB to a hundred recipients at once', async (context) => {
    needsTool(context, 'swaks');
    const server = await startServer('smtp');
    const everybody = Array.from({ length: 100 }, (_, each) => `r${each}@example.org`);
    const lines =
      randomBytes((5 * MEBIBYTE * 3) / 4)
        .toString('base64')
        .match(/.{1,76}/g) ?? [];
    const letter = `Subject: long\r\n\r\n${lines.join('\r\n')}\r\n`;
    const flags = ['--pipeline', '--tls', '--from', '<>', '--to', everybody.join(',')];
    expect(await send(server, letter, flags)).toMatchObject({ code: 0 });
    const [line] = await server.printed(/^<.*/, 'stderr');
    expect(line).toBe(
      `<> to ${everybody.map((each) => `<${each}>`).join(' ')}: ${told(`${letter}\r\n`)}, TLSv1.3, from here.example`,
    );
  });

  it('hears that its message is too big, and that it is one recipient too many', async (context) => {
    needsTool(context, 'swaks');
    const server = await startServer('smtp');
    const letter = 'x'
      .repeat(11 * 1024)
      .concat('\r\n')
      .repeat(1024);
    const { code, printed } = await send(server, letter, to);
    // 26: "error from the end of DATA".
    expect({ code, printed }).toMatchObject({ code: 26, printed: expect.stringContaining('552 ') });
    const many = Array.from({ length: 101 }, (_, each) => `r${each}@example.org`).join(',');
    const crowd = await send(server, LETTER, ['--from', 'a@example.com', '--to', many]);
    expect(crowd.printed.match(/^<\S* +452 /gm)).toHaveLength(1);
    await server.printed(/<r99@example.org>: /, 'stderr');
  });

  it('that breaks off in the middle of its message delivers nothing', async (context) => {
    needsTool(context, 'swaks');
    const server = await startServer('smtp');
    await send(server, LETTER, [...to, '--drop-after-send', 'data']);
    expect(await server.stop()).toMatchObject({ code: 0, stderr: expect.not.stringContaining('sha256') });
  });

  async function send(server: ExampleServer, letter: string, flags: string[]) {
    const path = join(temporaryFolder(), 'letter');
    writeFileSync(path, letter, 'latin1');
    const at = ['--server', `${server.host}:${server.port}`, '--helo', 'here.example', '--timeout', '20'];
    const { child, ended } = startTool('swaks', [...at, '--data', `@${path}`, '--suppress-data', ...flags]);
    child.stdin.end();
    const printed = Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString();
    return { printed, ...(await ended) };
  }
});

const SMTPLIB = `
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), 'here.example', timeout=20) as client:
    client.starttls(context=context)
    text = sys.stdin.buffer.read()
    for to in (['b@example.org'], ['c@example.org', 'd@example.org']):
        client.sendmail('a@example.com', to, text, ['BODY=8BITMIME'])
`;

describe('other clients', () => {
  it.for<[tool: ToolName, what: string, recipients: string[], args: (server: ExampleServer) => string[]]>([
    ['curl', 'in plain', ['<b@example.org>'], (server) => curl(server)],
    ['curl', 'TLSv1.3', ['<b@example.org>'], (server) => [...curl(server), '--ssl-reqd', '--insecure']],
    [
      'python3',
      'TLSv1.3',
      ['<b@example.org>', '<c@example.org> <d@example.org>'],
      (server) => ['-c', SMTPLIB, server.host, `${server.port}`],
    ],
  ])('%s delivers %s what it was given', async ([tool, tls, recipients, args], context) => {
    needsTool(context, tool);
    const server = await startServer('smtp');
    const letter = Buffer.from(`${LETTER}grüße\r\n`);
    const { child, ended } = startTool(tool, args(server));
    child.stdin.end(letter);
    child.stdout.resume();
    expect(await ended).toEqual({ code: 0, stderr: '' });
    const { stderr } = await server.stop();
    expect(stderr.split('\n').filter((line) => line.includes('sha256'))).toEqual(
      recipients.map((each) => `<a@example.com> to ${each}: ${told(letter)}, ${tls}, from here.example`),
    );
  });

  function curl(server: ExampleServer): string[] {
    const envelope = ['--mail-from', 'a@example.com', '--mail-rcpt', 'b@example.org', '--upload-file', '-'];
    const quiet = ['--silent', '--show-error', '--noproxy', '*'];
    return [...quiet, ...envelope, `smtp://${server.host}:${server.port}/here.example`];
  }
});

describe('the mail server', () => {
  it.for([1, 7, 1_000])('answers what comes in pieces of %i bytes, in order', async (size) => {
    const server = await startServer('smtp');
    const asked = `EHLO x\r\nnoop now\r\nVRFY b\r\n${ENVELOPE}RSET\r\n${ENVELOPE}DATA\r\n..\r\n.\r\n${ENVELOPE}DATA\r\n.\r\nQUIT\r\nNOOP\r\n`;
    expect(codes(await answerTo(server, asked, size))).toEqual([
      ...['220', '250-', '250-', '250-', '250-', '250', '250', '252', '250', '250', '250'],
      ...['250', '250', '354', '250', '250', '250', '354', '250', '221'],
    ]);
    const { stderr } = await server.stop();
    expect(stderr).toContain(`: ${told('.\r\n')}, `);
    expect(stderr).toContain(`: ${told('')}, `);
  });

  it.for<[what: string, asked: string, answers: string[]]>([
    ['MAIL before EHLO', ENVELOPE, ['503', '503']],
    ['RCPT before MAIL', 'EHLO x\r\nRCPT TO:<b@c>\r\n', ['503']],
    ['DATA before RCPT', 'EHLO x\r\nMAIL FROM:<>\r\nDATA\r\n', ['250', '503']],
    ['DATA behind RSET', `EHLO x\r\n${ENVELOPE}RSET\r\nDATA\r\n`, ['250', '250', '250', '503']],
    [
      'RCPT behind another EHLO',
      'EHLO x\r\nMAIL FROM:<>\r\nHELO x\r\nRCPT TO:<b@c>\r\n',
      ['250', '250', '503'],
    ],
    ['two MAILs', `EHLO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n`, ['250', '503']],
    ['EHLO without a name', 'EHLO\r\nEHLO \r\nEHLO a b\r\n', ['501', '501', '501']],
    [
      'an argument where there is none',
      'RSET x\r\nQUIT x\r\nSTARTTLS x\r\nDATA x\r\n',
      ['501', '501', '501', '501'],
    ],
    ['what is no command', 'HELP\r\n\r\n \r\n250 ok\r\n__PROTO__\r\nconstructor\r\n', Array(6).fill('500')],
    ['bare line ends', 'NOOP\nNOOP\r\nNOOP\r\r\nNOOP\0\r\n', ['500', '500', '500']],
    [
      'a long command',
      `NOOP ${'x'.repeat(1020)}\r\nNOOP${' '.repeat(60_000)}\nx\r\nNOOP\r\n`,
      ['500', '500', '250'],
    ],
    ['a line without end', `NOOP\r\n${'x'.repeat(65_537)}`, ['250', '500']],
  ])('is not put off by %s', async ([, asked, answers]) => {
    const server = await startServer('smtp');
    const heard = codes(await answerTo(server, `${asked}QUIT\r\n`)).filter((code) => code !== '250-');
    const greeting = asked.startsWith('EHLO x') ? ['220', '250'] : ['220'];
    const bye = asked.includes('\r\nx') ? [] : ['221'];
    expect(heard).toEqual([...greeting, ...answers, ...bye]);
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });

  it.for<[address: string, taken: string | undefined]>([
    ['<b@example.org>', '<b@example.org>'],
    ['<@relay,@other:b@example.org>', '<b@example.org>'],
    ['<"a > b \\" c"@example.org>', '<"a > b \\" c"@example.org>'],
    ['<b@[IPv6:::1]>', '<b@[IPv6:::1]>'],
    ['<Postmaster>', '<Postmaster>'],
    ['b@example.org', undefined],
    ['<b>', undefined],
    ['<>', undefined],
    ['<b@example.org', undefined],
    ['<b @example.org>', undefined],
    ['<"b@example.org>', undefined],
    ['<b@exämple.org>', undefined],
    ['<b@example.org>NOTIFY=NEVER', undefined],
    [`<${'b'.repeat(254)}@c>`, undefined],
  ])('knows whether %s is a recipient', async ([address, taken]) => {
    const server = await startServer('smtp');
    const asked = `EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:${address}\r\nRCPT TO:<z@z>\r\nDATA\r\n.\r\nQUIT\r\n`;
    expect(codes(await answerTo(server, asked))[7]).toBe(taken === undefined ? '501' : '250');
    const { stderr } = await server.stop();
    expect(stderr).toContain(`<> to ${taken === undefined ? '' : `${taken} `}<z@z>: `);
  });

  it.for<[parameters: string, code: string]>([
    ['SIZE=10485760 BODY=8BITMIME', '250'],
    ['size=0 body=7bit', '250'],
    ['SIZE=10485761', '552'],
    ['SIZE=99999999999999999999', '552'],
    ['SIZE=-1', '555'],
    ['SIZE=', '555'],
    ['BODY=BINARYMIME', '555'],
    ['SMTPUTF8', '555'],
  ])('answers MAIL with %s by %s', async ([parameters, code]) => {
    const server = await startServer('smtp');
    expect(codes(await answerTo(server, `EHLO x\r\nMAIL FROM:<a@b> ${parameters}\r\nQUIT\r\n`))[6]).toBe(
      code,
    );
  });

  it.for<[name: string, end: string]>([
    ['LF . LF', '\n.\n'],
    ['LF . CR LF', '\n.\r\n'],
    ['CR LF . LF', '\r\n.\n'],
    ['CR . CR', '\r.\r'],
    ['CR . CR LF', '\r.\r\n'],
    ['CR LF . CR', '\r\n.\r'],
    ['CR LF . CR CR LF', '\r\n.\r\r\n'],
    ['CR LF NUL . CR LF', '\r\n\0.\r\n'],
    ['LF CR LF . space', '\n\r\n. \r\n'],
  ])('takes %s for no end of a message', async ([, end]) => {
    const server = await startServer('smtp');
    const smuggled = 'MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<b@c>\r\nDATA\r\nfake\r\n';
    const asked = `EHLO x\r\n${ENVELOPE}DATA\r\nreal${end}${smuggled}.\r\nNOOP\r\nQUIT\r\n`;
    const hasBare = /[\r\n]/.test(end.replaceAll('\r\n', ''));
    expect(codes(await answerTo(server, asked)).slice(6)).toEqual([
      ...['250', '250', '354', hasBare ? '554' : '250', '250', '221'],
    ]);
    const { stderr } = await server.stop();
    expect(stderr).not.toContain('<smuggled@example.com> to');
    expect(stderr.includes('sha256')).toBe(!hasBare);
  });

  it.for([
    ['a message that is cut in a line', `EHLO x\r\n${ENVELOPE}DATA\r\nhalf a li`],
    ['a message that is cut behind a line', `EHLO x\r\n${ENVELOPE}DATA\r\nhalf\r\n`],
    ['a message that is cut behind its dot', `EHLO x\r\n${ENVELOPE}DATA\r\nhalf\r\n.`],
    ['a message that is cut in its end', `EHLO x\r\n${ENVELOPE}DATA\r\nhalf\r\n.\r`],
    ['an envelope', `EHLO x\r\n${ENVELOPE}DATA\r\n`],
  ] as const)('delivers nothing of %s', async ([, asked]) => {
    const server = await startServer('smtp');
    await answerTo(server, asked);
    expect(await server.stop()).toMatchObject({ code: 0, stderr: expect.not.stringContaining('sha256') });
  });

  it('takes no memory for lines without end, refuses them at their end, and goes on', async () => {
    const server = await startServer('smtp');
    await answerTo(server, 'EHLO x\r\nQUIT\r\n');
    const before = peakMemoryBytes(server.child.pid);
    const flood = '\r\n'.repeat(6 * MEBIBYTE);
    const asked = `EHLO x\r\n${ENVELOPE}DATA\r\n${flood}.\r\n${ENVELOPE}DATA\r\nshort\r\n.\r\nQUIT\r\n`;
    const heard = codes(await answerTo(server, asked)).slice(6);
    expect(heard).toEqual(['250', '250', '354', '552', '250', '250', '354', '250', '221']);
    // Twice what a message may have, while it grows, and what is garbage.
    expect(peakMemoryBytes(server.child.pid) - before).toBeLessThan(96 * MEBIBYTE);
    expect((await server.stop()).stderr.match(/sha256/g)).toHaveLength(1);
  });

  it('asks a client no more that does not read its answers, and answers all of it when it does', async () => {
    const server = await startServer('smtp');
    const [socket, beside] = [await connected(server), await connected(server)];
    const asked = 1.25 * MEBIBYTE;
    socket.pause().write('EHLO x\r\n'.repeat(asked));
    socket.end();
    // As many turns of the server as it would take to read it all, and to run into the cap of what it may queue.
    for (let turn = 0; turn < 300; turn += 1) {
      beside.write('NOOP\r\n');
      await heard(beside, /250 ok\r\n$/);
    }
    let answerBytes = 0;
    socket.on('data', (chunk: Buffer) => {
      answerBytes += chunk.length;
    });
    await once(socket.resume(), 'end');
    const one = '250-localhost\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250 STARTTLS\r\n';
    expect(answerBytes).toBe('220 localhost ESMTP\r\n'.length + asked * one.length);
  });

  it('has enough of a client that talks nonsense', async () => {
    const server = await startServer('smtp');
    const request = `POST / HTTP/1.1\r\n${'X-Y: z\r\n'.repeat(20)}EHLO x\r\n${ENVELOPE}DATA\r\nfake\r\n.\r\n`;
    expect(codes(await answerTo(server, request))).toEqual(['220', ...Array(10).fill('500'), '421']);
    for (let round = 0; round < 20; round += 1) await answerTo(server, randomBytes(2_000).toString('latin1'));
    expect(await server.stop()).toMatchObject({ code: 0, stderr: expect.not.stringContaining('sha256') });
  });

  it('says goodbye when it shuts down, and delivers nothing of what was on its way', async () => {
    const server = await startServer('smtp');
    const socket = await connected(server);
    socket.write(`EHLO x\r\n${ENVELOPE}DATA\r\nhalf\r\n`);
    await heard(socket, /354 .*\r\n/);
    const stopped = server.stop();
    await heard(socket, /421 .*\r\n/);
    socket.end();
    expect(await stopped).toMatchObject({ code: 0, stderr: expect.not.stringContaining('sha256') });
  });
});

describe('STARTTLS', () => {
  it('makes the server forget all that was said in plain, and is not offered again', async () => {
    const server = await startServer('smtp');
    const socket = await connected(server);
    socket.write(`EHLO x\r\n${ENVELOPE}STARTTLS\r\n`);
    expect(await heard(socket, /220 go ahead\r\n/)).toContain('250 STARTTLS\r\n');
    const sealed = connectTls({ socket, rejectUnauthorized: false });
    onTestFinished(() => void sealed.destroy());
    sealed.write('DATA\r\nMAIL FROM:<>\r\nEHLO y\r\nRCPT TO:<b@c>\r\nSTARTTLS\r\nQUIT\r\n');
    const answers = await heard(sealed, /221 .*\r\n/);
    expect(answers).not.toContain('STARTTLS');
    expect(codes(answers)).toEqual(['503', '503', '250-', '250-', '250-', '250', '503', '503', '221']);
  });

  it.for([
    ['a command', 'NOOP\r\n'],
    ['a whole message', `EHLO x\r\n${ENVELOPE}DATA\r\nfake\r\n.\r\n`],
    ['half a command', 'EH'],
  ] as const)('obeys nothing that was slipped in behind it: %s', async ([, injected]) => {
    const server = await startServer('smtp');
    const answers = codes(await answerTo(server, `STARTTLS\r\n${injected}`));
    expect(answers.slice(0, 2)).toEqual(['220', '220'].slice(0, answers.length));
    expect(answers.filter((code) => /^[2345]/.test(code)).length).toBeLessThanOrEqual(2);
    // Somebody else is served, and nothing was delivered.
    expect(codes(await answerTo(server, 'NOOP\r\nQUIT\r\n'))).toEqual(['220', '250', '221']);
    expect(await server.stop()).toMatchObject({ code: 0, stderr: expect.not.stringContaining('sha256') });
  });

  it.for([
    ['in one segment with it', ['STARTTLS\r\nMAIL FROM:<smuggled@example.com>\r\n']],
    ['in a segment of its own', ['STARTTLS\r\n', 'MAIL FROM:<smuggled@example.com>\r\n']],
  ] as const)('does not seal a connection for whom something came in plain, %s', async ([, pieces]) => {
    const server = await startServer('smtp');
    const socket = await connected(server);
    const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
    const [command, behind = ''] = pieces;
    socket.write(command);
    // All that comes in plain; the server may have left before it.
    await Promise.race([heard(socket, /220 go ahead\r\n/).catch(() => {}), closed]);
    // Nothing is sealed over a socket that is closed, and Node's TLS would never tell so.
    if (socket.destroyed) return;
    socket.write(behind);
    const sealed = connectTls({ socket, rejectUnauthorized: false });
    onTestFinished(() => void sealed.destroy());
    let isSealed = false;
    sealed.on('secureConnect', () => {
      isSealed = true;
      sealed.destroy();
    });
    await new Promise((resolve) => sealed.on('error', () => {}).once('close', resolve));
    expect(isSealed).toBe(false);
  });
});

/** What the server says of a text. */
function told(text: string | Buffer): string {
  const bytes = Buffer.from(text as string, 'latin1');
  return `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The codes of answers, `-` behind those of lines that are not the last. */
function codes(answers: string): string[] {
  return answers
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(0, 4).trimEnd());
}

async function connected({ host, port }: ExampleServer): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** What comes until it matches; nothing may follow. */
async function heard(socket: Socket | TLSSocket, pattern: RegExp): Promise<string> {
  let text = '';
  while (!pattern.test(text)) text += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1');
  return text;
}

/** Everything that comes back, until the server ends, to bytes that are sent as they are in pieces of `size`; ours ends then. */
async function answerTo(server: ExampleServer, bytes: string, size = bytes.length): Promise<string> {
  const socket = await connected(server);
  const chunks: Buffer[] = [];
  const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (let at = 0; at < bytes.length; at += size)
    await new Promise((sent) => socket.write(bytes.slice(at, at + size), 'latin1', sent));
  socket.end();
  await closed;
  return Buffer.concat(chunks).toString('latin1');
}
