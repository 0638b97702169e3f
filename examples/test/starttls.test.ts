/** `starttls` as `openssl s_client -starttls smtp` sees it, and as Node's tls does over a plain socket. */
import { once } from 'node:events';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lineClient } from './support/line-client.ts';
import { startServer } from './support/server.ts';

describe('the mail server', () => {
  it.for(['-tls1_2', '-tls1_3'])(
    'starts TLS %s for openssl s_client -starttls smtp',
    async (version, context) => {
      needsTool(context, 'openssl');
      const server = await startServer('starttls');
      const to = ['-starttls', 'smtp', '-connect', `127.0.0.1:${server.port}`, version, '-quiet'];
      const client = startTool('openssl', ['s_client', ...to]);
      client.child.stdin.write('NOOP\r\n');
      let printed = '';
      for await (const text of client.child.stdout) {
        printed += String(text);
        if (printed.includes('TLSv1')) client.child.stdin.write('QUIT\r\n');
        if (printed.includes('bye')) break;
      }
      // s_client prints the last line that it was told in plain.
      expect(printed.split('\r\n')).toEqual(
        expect.arrayContaining([version === '-tls1_2' ? '250 TLSv1.2' : '250 TLSv1.3', '221 bye']),
      );
      client.child.kill();
      await client.ended;
      expect(await server.stop()).toMatchObject({ code: 0, signal: null });
    },
  );

  it('talks in plain first, and to Node sealed then', async () => {
    const server = await startServer('starttls');
    const plain = await lineClient(server);
    expect(await plain.nextLine()).toBe('220 localhost ESMTP');
    plain.send('NOOP\r');
    expect(await plain.nextLine()).toBe('250 in plain');
    plain.send('EHLO client\r');
    expect([await plain.nextLine(), await plain.nextLine()]).toEqual(['250-localhost', '250 STARTTLS']);
    plain.send('STARTTLS\r');
    expect(await plain.nextLine()).toBe('220 ready to start TLS');
    const options: ConnectionOptions = { socket: plain.socket, rejectUnauthorized: false };
    const sealed = connectTls(options);
    onTestFinished(() => void sealed.destroy());
    const heard: string[] = [];
    sealed.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    // Once is enough.
    sealed.write('NOOP\r\nEHLO client\r\nSTARTTLS\r\nQUIT\r\n');
    await once(sealed, 'end');
    expect(heard.join('').split('\r\n')).toEqual([
      '250 TLSv1.3',
      '250 localhost',
      '502 not in this example',
      '221 bye',
      '',
    ]);
  });

  it('obeys nothing that was slipped in behind STARTTLS', async () => {
    const server = await startServer('starttls');
    const plain = await lineClient(server);
    expect(await plain.nextLine()).toBe('220 localhost ESMTP');
    const lines: Buffer[] = [];
    plain.socket.on('error', () => {}).on('data', (chunk: Buffer) => lines.push(chunk));
    const closed = once(plain.socket, 'close');
    plain.socket.write('STARTTLS\r\nNOOP\r\n');
    await closed;
    const text = Buffer.concat(lines).toString('latin1');
    expect(text.startsWith('220 ready to start TLS\r\n')).toBe(true);
    expect(text).not.toContain('250');
    expect(await server.stop()).toMatchObject({ code: 0, signal: null });
  });
});
