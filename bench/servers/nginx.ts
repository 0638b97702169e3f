/**
 * nginx, made to speak like the other servers: `--root DIR` for files, or `--answer TEXT` for every request; `--cert FILE --key
 * FILE` for TLS, `--nopush` for `tcp_nopush on`, which Debian's configuration has, `--connections N` for
 * how many it takes. One worker, no log; who says nothing may stay.
 */
import { parseArgs } from 'node:util';
import { HOST, runInstalledServer } from './installed-server.ts';

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    answer: { type: 'string' },
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    connections: { type: 'string', default: '2000' },
    nopush: { type: 'boolean', default: false },
  },
});

await runInstalledServer({
  program: 'nginx',
  port: Number(values.port),
  configuration,
  args: (file, folder) => ['-p', folder, '-c', file],
});

function configuration(port: number): string {
  const { cert, key, root, answer } = values;
  const connections = Number(values.connections);
  const isTls = cert !== undefined && key !== undefined;
  // Up to 1.23.3 it leaves TLS 1.3 out by itself; every distribution's configuration puts it in.
  const tls = isTls
    ? `ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;`
    : '';
  const content =
    answer === undefined
      ? `root ${root ?? '.'}; default_type application/octet-stream;`
      : `default_type text/plain; location / { return 200 "${answer}"; }`;
  return `
    daemon off; worker_processes 1; worker_rlimit_nofile ${connections + 100}; pid nginx.pid; error_log stderr error;
    events { worker_connections ${connections}; }
    http {
      access_log off; sendfile on; tcp_nopush ${values.nopush ? 'on' : 'off'};
      keepalive_requests 1000000000; client_header_timeout 1d;
      ${TEMPORARY.map((name) => `${name}_temp_path ${name};`).join(' ')}
      server { listen ${HOST}:${port}${isTls ? ' ssl' : ''}; ${tls} ${content} }
    }`;
}
