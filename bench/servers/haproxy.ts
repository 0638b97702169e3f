/**
 * haproxy, made to speak like the other servers: `--answer TEXT` for every request; `--cert FILE --key FILE` for TLS,
 * `--connections N` for how many it takes. One thread; who says nothing may stay.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HOST, runInstalledServer } from './installed-server.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '2000' },
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
  // In the foreground.
  args: (file) => ['-db', '-f', file],
});

function configuration(port: number, folder: string): string {
  return `
global
  nbthread 1
  maxconn ${values.connections}
defaults
  mode http
  timeout client 1d
  timeout http-request 1d
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
