// A server of the installed packages, asked over HTTPS by curl.
// Rule: the certificate is verified, and the answer names the node that gave it.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './output.mjs';

const SERVER = `import { readFileSync } from 'node:fs';
import { http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { tls } from '@sluice/tls';

const transport = tls({ cert: readFileSync('cert.pem'), key: readFileSync('key.pem') });
const answer = (_req, res) => res.end('Hello from ' + process.version);
const listener = await createReactor().listen({ port: 0, host: '127.0.0.1', transport }, http(answer));
console.log(listener.address().port);
`;

/** Serves in `project` with the key and certificate of `identity`, asks once, and throws unless the answer is the right one. */
export async function assertServes({ node, folder, env }, { certificate, key }) {
  writeFileSync(join(folder, 'server.mjs'), SERVER);
  writeFileSync(join(folder, 'cert.pem'), certificate);
  writeFileSync(join(folder, 'key.pem'), key);
  const server = spawn(node, ['server.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  server.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = new Promise((resolve) => server.once('close', resolve));
  try {
    const port = await new Promise((resolve, reject) => {
      server.stdout.once('data', (chunk) => resolve(Number(String(chunk))));
      server.once('close', () => reject(new Error(`the server ended: ${why(errors)}\n${errors}`)));
    });
    const body = await ask(port, folder);
    const expected = `Hello from ${output(node, ['--version'], { cwd: folder }).trim()}`;
    if (body !== expected) throw new Error(`curl was told ${JSON.stringify(body)}`);
  } finally {
    server.kill('SIGKILL');
    await ended;
  }
}

/** Of an error that Node shows, the line that is its message. */
function why(errors) {
  return errors.split('\n').find((line) => /^\w*Error\b/.test(line)) ?? 'it said no error';
}

/** What curl says: the body, or why there is none. */
function ask(port, cwd) {
  const quiet = ['--silent', '--show-error', '--max-time', '10', '--noproxy', '*'];
  const trust = ['--cacert', 'cert.pem', '--resolve', `localhost:${port}:127.0.0.1`];
  return new Promise((resolve, reject) => {
    const curl = spawn('curl', [...quiet, ...trust, `https://localhost:${port}/`], { cwd });
    let said = '';
    const take = (chunk) => {
      said += chunk;
    };
    curl.stdout.on('data', take);
    curl.stderr.on('data', take);
    curl.once('error', reject);
    curl.once('close', () => resolve(said));
  });
}
