/** What nginx makes of the bytes of one connection: it passes requests on to a second server of its own, and logs them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTool } from '@sluice-internal/foreign-programs';
import { onTestFinished } from 'vitest';
import type { Reading, ReadRequest } from './reading.ts';
import { visible } from './wire-text.ts';

/**
 * All as it comes, but for the places. The first server passes on what it has read, so its log can tell the body; a peer
 * that ends its side still gets its answers; and a connection that is over is closed at once.
 */
const CONFIGURATION = `
daemon off;
master_process off;
error_log stderr notice;
pid FOLDER/pid;
events {}
http {
  log_format reading escape=json '["$status","$request_method","$request_uri","$request_body"]';
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  client_body_buffer_size 64k;
  lingering_close off;
  server {
    listen unix:FOLDER/front;
    access_log FOLDER/log reading;
    location / {
      proxy_pass http://unix:FOLDER/back:;
      proxy_ignore_client_abort on;
    }
  }
  server {
    listen unix:FOLDER/back;
    return 200;
  }
}
`;

export class NginxReader {
  readonly #folder: string;
  #known = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts nginx, which ends with the test. */
  static async start(): Promise<NginxReader> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-nginx-'));
    const configuration = join(folder, 'nginx.conf');
    writeFileSync(configuration, CONFIGURATION.replaceAll('FOLDER', folder));
    const nginx = startTool('nginx', ['-p', folder, '-c', configuration]);
    onTestFinished(async () => {
      nginx.child.kill('SIGTERM');
      await nginx.ended;
      rmSync(folder, { recursive: true });
    });
    await Promise.race([
      nginx.complained(/using the "epoll" event method/),
      nginx.ended.then(({ stderr }) => Promise.reject(new Error(`nginx ended: ${stderr}`))),
    ]);
    return new NginxReader(folder);
  }

  /** Not for two at a time. */
  async read(wire: Buffer): Promise<Reading> {
    const socket = connect(join(this.#folder, 'front'));
    const closed = new Promise((resolve) => {
      socket.on('close', resolve);
    });
    // A refusal may reset the connection while the rest is on its way.
    socket.on('error', () => {});
    socket.resume().end(wire);
    await closed;
    return readingOf(this.#newLines());
  }

  #newLines(): string[][] {
    const lines = readFileSync(join(this.#folder, 'log'), 'utf8').trimEnd().split('\n');
    const fresh = lines.slice(this.#known).filter((line) => line !== '');
    this.#known += fresh.length;
    return fresh.map((line) => JSON.parse(line) as string[]);
  }
}

function readingOf(lines: readonly (readonly string[])[]): Reading {
  const requests: ReadRequest[] = [];
  for (const [status = '', method = '', target = '', body = ''] of lines) {
    if (status !== '200') return { requests, ending: 'refused', reason: status };
    requests.push({ method, target, body: visible(body) });
  }
  return { requests, ending: 'open', reason: '' };
}
