/**
 * nginx as a file server, made to speak like the other servers: `--root DIR`, `--cert FILE --key FILE` for TLS, `--nopush` for
 * `tcp_nopush on`, which Debian's configuration has. One worker, no log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const HOST = '127.0.0.1';
const READY_ATTEMPTS = 200;
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: '.' },
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    nopush: { type: 'boolean', default: false },
  },
});

const prefix = mkdtempSync(join(tmpdir(), 'sluice-bench-nginx-'));
process.once('exit', () => rmSync(prefix, { recursive: true, force: true }));
const port = await freePort();
writeFileSync(join(prefix, 'nginx.conf'), configuration());
const nginx = spawn('nginx', ['-p', prefix, '-c', 'nginx.conf'], { stdio: ['ignore', 'ignore', 'inherit'] });
process.once('SIGTERM', () => nginx.kill('SIGTERM'));
nginx.once('exit', (code) => process.exit(code ?? 1));
await ready(nginx);
console.log(`listening on ${HOST}:${port}`);

function configuration(): string {
  const { cert, key } = values;
  const isTls = cert !== undefined && key !== undefined;
  const tls = isTls ? `ssl_certificate ${cert}; ssl_certificate_key ${key};` : '';
  return `
    daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;
    events { worker_connections 1024; }
    http {
      access_log off; sendfile on; tcp_nopush ${values.nopush ? 'on' : 'off'};
      keepalive_requests 1000000000; default_type application/octet-stream;
      ${TEMPORARY.map((name) => `${name}_temp_path ${name};`).join(' ')}
      server { listen ${HOST}:${port}${isTls ? ' ssl' : ''}; root ${values.root}; ${tls} }
    }`;
}

/** A port that was free a moment ago: nginx cannot say which one it got. */
async function freePort(): Promise<number> {
  const server = createServer().listen(Number(values.port), HOST);
  await once(server, 'listening');
  const { port: found } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return found;
}

async function ready(child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < READY_ATTEMPTS && child.exitCode === null; attempt += 1) {
    const socket = connect(port, HOST);
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await delay(25);
  }
  throw new Error('nginx does not listen');
}
