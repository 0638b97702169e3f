// Which programs a build from source needs, and what to paste when one is missing.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError } from './setup-error.mjs';

/**
 * What OpenSSL's Configure and its generators load. Some distributions ship a `perl` without them
 * (Debian's perl-base, Fedora's split packages). `Text::Template` is not here: OpenSSL brings its own.
 */
const PERL_MODULES = [
  'ExtUtils::MakeMaker',
  'File::Compare',
  'File::Copy',
  'FindBin',
  'Getopt::Long',
  'IPC::Cmd',
  'POSIX',
  'Pod::Usage',
  'Time::Piece',
];

export const cCompiler = (env = process.env) => env.CC || 'cc';
export const cxxCompiler = (env = process.env) => env.CXX || 'c++';

/** Throws a SetupError that names every missing program among `tools` and the command that installs them. */
export function requireTools(tools, env = process.env) {
  const missing = tools.filter((tool) => !isOnPath(tool, env));
  if (missing.length > 0) throw new SetupError(missingToolsMessage(missing));
}

/** As `requireTools`, for the modules of perl that OpenSSL's Configure loads. */
export function requirePerlModules(env = process.env) {
  const missing = PERL_MODULES.filter((module) => !perlLoads([module], env));
  if (missing.length > 0)
    throw new SetupError(missingToolsMessage(missing.map((name) => `perl module ${name}`)));
}

/** The text for what is missing, with commands to paste. */
export function missingToolsMessage(missing) {
  return [
    `building from source needs what this machine does not have: ${missing.join(', ')}.`,
    'Install it and run the same command again:',
    '',
    '    apt-get install -y perl make g++ cmake tar            # Debian, Ubuntu',
    '    dnf install -y perl-core make gcc gcc-c++ cmake tar   # Fedora, RHEL',
  ].join('\n');
}

/** True if `tool` is a path to, or a name on PATH of, something executable. */
export function isOnPath(tool, env = process.env) {
  // CC may be "ccache gcc": the first word is what has to exist.
  const [program = tool] = tool.split(' ');
  if (program.includes('/')) return isExecutable(program);
  return (env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function perlLoads(modules, env) {
  return (
    spawnSync('perl', [...modules.map((module) => `-M${module}`), '-e', '1'], { env, stdio: 'ignore' })
      .status === 0
  );
}
