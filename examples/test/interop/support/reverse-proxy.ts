/**
 * nginx and haproxy in front of servers of ours: connections to them are kept, and whatever may safely be repeated is.
 *
 * Rule: they listen on a Unix socket, for neither of them says which port the kernel chose; towards us they speak TCP.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startTool, type Tool } from '@sluice-internal/foreign-programs';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type Scheme, serverCredentials } from './http-server.ts';

export const PROXIES = ['nginx', 'haproxy'] as const;
export type ProxyName = (typeof PROXIES)[number];

/** Of the haproxy that is installed. */
export function haproxyMajorVersion(): number {
  const printed = execFileSync('haproxy', ['-v'], { encoding: 'utf8' });
  const version = /^HAProxy version (\d+)\./i.exec(printed)?.[1];
  if (version === undefined) throw new Error(`haproxy does not tell its version: ${printed}`);
  return Number(version);
}

/** Connections that a proxy keeps for later when nobody uses them. */
const KEPT_CONNECTIONS = 32;

interface Upstreams {
  readonly scheme: Scheme;
  readonly addresses: readonly string[];
  readonly folder: string;
}

/**
 * Bodies pass as they come, both ways. `max_fails` is off, since an upstream that is gone for a moment, as in a restart,
 * would otherwise be left out for ten seconds. Connecting may take longer than a second: the SYN that a leaving server of
 * ours has let go by is sent again after that, to its successor.
 */
const nginxConfiguration = ({ scheme, addresses, folder }: Upstreams) => `
daemon off;
master_process off;
error_log stderr notice;
pid ${folder}/pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000;
  upstream ours {
    ${addresses.map((address) => `server ${address} max_fails=0;`).join('\n    ')}
    keepalive ${KEPT_CONNECTIONS};
    keepalive_requests 1000000;
  }
  server {
    listen unix:${folder}/front;
    location / {
      proxy_pass ${scheme}://ours;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate ${folder}/cert.pem;
      proxy_ssl_name localhost;
      proxy_ssl_server_name on;
    }
  }
}
`;

/**
 * The same. What repeats requests has to be asked for, and not to do so with those that may not be. When all kept
 * connections are closed at once each retry may meet another dead one; when there are none left it closes its client
 * without a word.
 */
const haproxyConfiguration = ({ scheme, addresses, folder }: Upstreams) => {
  const ssl = scheme === 'https' ? `ssl verify required ca-file ${folder}/cert.pem sni str(localhost)` : '';
  const server = (address: string, n: number) =>
    `server s${n} ${address} pool-max-conn ${KEPT_CONNECTIONS} ${ssl}`;
  return `
global
  maxconn 1000
defaults
  mode http
  log stderr local0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind unix@${folder}/front
  default_backend ours
backend ours
  balance roundrobin
  http-reuse always
  retries ${KEPT_CONNECTIONS}
  option redispatch 1
  retry-on conn-failure empty-response
  http-request disable-l7-retry if METH_POST
  ${addresses.map(server).join('\n  ')}
`;
};

/** Starts a proxy in front of servers of ours at these addresses; it ends with the test. Answers where it listens. */
export async function startProxy(
  name: ProxyName,
  scheme: Scheme,
  addresses: readonly string[],
): Promise<string> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'cert.pem'), (await serverCredentials()).cert);
  const configuration = join(folder, 'configuration');
  const start = { nginx: startNginx, haproxy: startHaproxy }[name];
  const tool = start({ scheme, addresses, folder }, configuration);
  onTestFinished(async () => {
    tool.child.kill('SIGTERM');
    await tool.ended;
  });
  const front = join(folder, 'front');
  await accepting(front, tool);
  return front;
}

function startNginx(upstreams: Upstreams, configuration: string): Tool {
  writeFileSync(configuration, nginxConfiguration(upstreams));
  return startTool('nginx', ['-p', upstreams.folder, '-c', configuration]);
}

function startHaproxy(upstreams: Upstreams, configuration: string): Tool {
  writeFileSync(configuration, haproxyConfiguration(upstreams));
  return startTool('haproxy', ['-db', '-f', configuration]);
}

/** Resolves when somebody accepts at `path`: neither says when it does. */
async function accepting(path: string, { ended }: Tool): Promise<void> {
  let failure: string | undefined;
  void ended.then(({ code, stderr }) => {
    failure = `it ended with ${code}: ${stderr}`;
  });
  while (!(await accepts(path))) {
    if (failure !== undefined) throw new Error(failure);
    await nextTurn();
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
