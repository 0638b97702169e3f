/** haproxy, made to speak like the other servers: `--answer TEXT` for every request; `--cert FILE --key FILE` for TLS. One thread. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HOST, runInstalledServer } from './installed-server.ts';

const { values } = parseArgs({
  options: {
    answer: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
  },
});

await runInstalledServer({
  program: 'haproxy',
  port: Number(values.port),
  configuration,
  // In the foreground, and quiet: it warns of everything that it takes a default for.
  args: (file) => ['-db', '-q', '-f', file],
});

function configuration(port: number, folder: string): string {
  return `
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout client 60s
  timeout http-request 10s
frontend bench
  bind ${HOST}:${port}${certificate(folder)}
  http-request return status 200 content-type text/plain string "${values.answer}"
`;
}

/** It wants certificate and key in one file. */
function certificate(folder: string): string {
  const { cert, key } = values;
  if (cert === undefined || key === undefined) return '';
  const both = join(folder, 'both.pem');
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return ` ssl crt ${both}`;
}
