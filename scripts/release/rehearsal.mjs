#!/usr/bin/env node
// `npm run publish:rehearsal`: everything between a commit and a stranger's server, on this machine: versions, packing, publishing
// to a registry, installing in a fresh project without a compiler, serving HTTPS (docs/packages.md).
// Rule: works on a copy; the clone that it is started in stays as it is. What could not be tried is said, with the reason.
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { selfSigned } from '@sluice-internal/certificates';
import { runStep } from '../../packages/core-native/scripts/progress.mjs';
import { isOnPath } from '../../packages/core-native/scripts/required-tools.mjs';
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';
import { buildPackages } from '../build.mjs';
import { pinnedPnpm } from '../dependencies.mjs';
import { ensureNode, otherNodeVersions } from '../other-nodes.mjs';
import { ROOT } from '../root.mjs';
import { startRegistry } from './local-registry.mjs';
import { PREBUILT_FILES, TARGETS } from './targets.mjs';

const INSTALLS = ['npm', 'npm --ignore-scripts', 'pnpm'];
const COMPILERS = ['cc', 'c++', 'gcc', 'g++', 'clang', 'make', 'cmake'];
const LIMIT_MS = 120_000;

const SERVER = `import { readFileSync } from 'node:fs';
import { http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { tls } from '@sluice/tls';

const transport = tls({ cert: readFileSync('cert.pem'), key: readFileSync('key.pem') });
const answer = (_req, res) => res.end('Hello from ' + process.version);
const listener = await createReactor().listen({ port: 0, host: '127.0.0.1', transport }, http(answer));
console.log(listener.address().port);
`;

/** A TypeScript consumer that uses what it imports: with \`any\` in its place this does not compile. */
const CONSUMER = `import { http, type Request, type Response } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { tls } from '@sluice/tls';

type IsAny<T> = 0 extends 1 & T ? true : false;
const typed: [IsAny<Request>, IsAny<typeof createReactor>, IsAny<typeof tls>] = [false, false, false];
const answer = (_req: Request, res: Response): void => { res.end('hi'); };
export const listening = createReactor().listen({ port: 0, transport: tls({ cert: '', key: '' }) }, http(answer));
export { typed };
`;

const folder = mkdtempSync(join(tmpdir(), 'sluice-rehearsal-'));
const results = [];
try {
  requireBinaries();
  const copy = join(folder, 'tree');
  if ((await buildPackages()) !== 0) throw new SetupError('the packages do not build');
  await runStep('a copy of the tree, with its next version', () => prepareCopy(copy));
  const registry = await startRegistry(join(folder, 'registry'));
  try {
    await runStep('publish', () => publish(copy, registry));
    const identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
    const nodes = [process.execPath];
    for (const version of otherNodeVersions()) nodes.push(await ensureNode(version));
    for (const node of nodes) {
      for (const how of INSTALLS)
        await attempt(`${versionOf(node)}, ${how}`, () => installAndServe(node, how, registry, identity));
    }
    await attempt('type check, moduleResolution node16 and bundler', () => typeCheck(registry));
  } finally {
    await registry.stop();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const failed = results.filter(({ ok }) => !ok).length;
process.stdout.write(
  `\n${results.map(({ title, ok, note }) => `${ok ? '✓' : '✗'} ${title}: ${note}`).join('\n')}\n`,
);
process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function requireBinaries() {
  const own = TARGETS[process.arch];
  for (const file of PREBUILT_FILES) {
    if (!existsSync(join(own.folder, file))) {
      throw new SetupError(`${own.name} has no ${file} yet: npm run release:binaries -- ${own.arch}`);
    }
  }
  if (!isOnPath('curl')) throw new SetupError('the rehearsal asks with curl, which this machine has not got');
}

function prepareCopy(copy) {
  const files = output('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], ROOT)
    .split('\0')
    .filter(Boolean);
  for (const file of files) {
    if (!existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file));
  }
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    cpSync(join(ROOT, 'packages', name, 'dist'), join(copy, 'packages', name, 'dist'), { recursive: true });
  }
  cpSync(join(ROOT, 'platforms'), join(copy, 'platforms'), {
    recursive: true,
    filter: (path) => !path.includes('node_modules'),
  });
  output('git', ['init', '--quiet'], copy);
  pnpm(copy, ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts', '--silent']);
  output(join(copy, 'node_modules', '.bin', 'changeset'), ['version'], copy);
}

function publish(copy, { npmrc, url }) {
  writeFileSync(join(copy, '.npmrc'), npmrc);
  // A package without a binary would be published, too; the other processor's is in the matrix of optional dependencies all the same.
  const env = { npm_config_registry: undefined, 'npm_config_@sluice:registry': url };
  // It publishes by the pnpm of the PATH, which writes what `workspace:*` stands for.
  const changeset = join(copy, 'node_modules', '.bin', 'changeset');
  output(
    'npm',
    ['exec', '--yes', '--package', pinnedPnpm(), '--', changeset, 'publish', '--no-git-tag'],
    copy,
    env,
  );
}

async function installAndServe(node, how, { npmrc }, { certificate, key }) {
  const project = mkdtempSync(join(folder, 'project-'));
  const bin = join(project, '.bin');
  mkdirSync(bin);
  symlinkSync(node, join(bin, 'node'));
  for (const tool of ['sh', 'env', 'uname'])
    symlinkSync(output('sh', ['-c', `command -v ${tool}`], ROOT).trim(), join(bin, tool));
  const env = { ...networkSettings(), PATH: bin, HOME: project, NO_COLOR: '1' };
  const compilers = COMPILERS.filter((name) => isOnPath(name, env));
  if (compilers.length > 0) throw new Error(`there are compilers on the PATH: ${compilers.join(', ')}`);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(project, '.npmrc'), configuredRegistry() + npmrc);
  writeFileSync(join(project, 'server.mjs'), SERVER);
  writeFileSync(join(project, 'cert.pem'), certificate);
  writeFileSync(join(project, 'key.pem'), key);
  const packages = ['@sluice/http-lite', '@sluice/tls', '@sluice/reactor'];
  const [manager, ...flags] = how.split(' ');
  const startedMs = performance.now();
  const program = manager === 'npm' ? npmCli() : pnpmCli();
  output(node, [program, manager === 'npm' ? 'install' : 'add', ...flags, ...packages], project, env, true);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const mib = (folderBytes(join(project, 'node_modules')) / 1024 / 1024).toFixed(1);
  await serveAndAsk(node, project, env);
  return `installed in ${seconds} s, ${mib} MiB, HTTPS answered`;
}

async function serveAndAsk(node, project, env) {
  const server = spawn(node, ['server.mjs'], { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  server.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  try {
    const port = await new Promise((resolve, reject) => {
      server.stdout.once('data', (chunk) => resolve(Number(String(chunk))));
      server.once('exit', () => reject(new Error(`the server ended: ${errors}`)));
    });
    const url = `https://localhost:${port}/`;
    const args = [
      '--silent',
      '--show-error',
      '--max-time',
      '10',
      '--noproxy',
      '*',
      '--cacert',
      'cert.pem',
      '--resolve',
      `localhost:${port}:127.0.0.1`,
      url,
    ];
    const body = await new Promise((resolve, reject) => {
      const curl = spawn('curl', args, { cwd: project });
      let said = '';
      curl.stdout.on('data', (chunk) => {
        said += chunk;
      });
      curl.stderr.on('data', (chunk) => {
        said += chunk;
      });
      curl.once('error', reject);
      curl.once('close', () => resolve(said));
    });
    if (body !== `Hello from ${versionOf(node)}`) throw new Error(`curl was told ${JSON.stringify(body)}`);
  } finally {
    server.kill('SIGKILL');
    await ended;
  }
}

function typeCheck({ npmrc }) {
  const project = mkdtempSync(join(folder, 'typed-'));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(project, '.npmrc'), configuredRegistry() + npmrc);
  writeFileSync(join(project, 'consumer.ts'), CONSUMER);
  output(
    process.execPath,
    [npmCli(), 'install', '@sluice/http-lite', '@sluice/tls', '@sluice/reactor'],
    project,
  );
  mkdirSync(join(project, 'node_modules', '@types'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(project, 'node_modules', '@types', 'node'));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['esnext', 'bundler'],
  ]) {
    const flags = [
      '--noEmit',
      '--strict',
      '--target',
      'es2023',
      '--types',
      'node',
      '--module',
      module,
      '--moduleResolution',
      resolution,
    ];
    output(process.execPath, [tsc, ...flags, 'consumer.ts'], project);
  }
  return 'both compile, without skipLibCheck';
}

async function attempt(title, action) {
  try {
    results.push({ title, ok: true, note: await runStep(title, async () => action()) });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    results.push({ title, ok: false, note: error.message.split('\n', 1)[0] });
  }
}

function pnpm(cwd, args) {
  return output('npm', ['exec', '--yes', '--', pinnedPnpm(), ...args], cwd);
}

/** Of the pnpm that npm exec keeps, so that any node can run it. */
function pnpmCli() {
  const path = output(
    'npm',
    ['exec', '--yes', '--package', pinnedPnpm(), '--', 'sh', '-c', 'readlink -f "$(command -v pnpm)"'],
    folder,
  );
  return path.trim().split('\n').at(-1);
}

function npmCli() {
  return output('sh', ['-c', 'readlink -f "$(command -v npm)"'], ROOT).trim();
}

/** The line of .npmrc for all that is not ours: a project in a HOME of its own does not see this machine's. */
function configuredRegistry() {
  return `registry=${output('npm', ['config', 'get', 'registry'], ROOT).trim()}\n`;
}

/** How this machine reaches a registry: authorities and proxies of its own. A fresh project has them, too. */
function networkSettings() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /_proxy$|_CA_CERTS$|^SSL_CERT_/i.test(name)),
  );
}

function versionOf(node) {
  return output(node, ['--version'], ROOT).trim();
}

function folderBytes(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function output(command, args, cwd, extra = {}, only = false) {
  const env = only ? extra : { ...process.env, ...extra };
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  if (status !== 0) {
    const said = `${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`
      .trim()
      .split('\n')
      .slice(-12)
      .join('\n');
    throw new SetupError(`${command} ${args.slice(0, 3).join(' ')} ended with ${status}:\n${said}`);
  }
  return stdout;
}
