#!/usr/bin/env node
/** `npm create @sluice/protocol NAME`. */
import { relative } from 'node:path';
import { createProtocol } from './create-protocol.ts';
import { CreateError } from './errors.ts';

const USAGE = `npm create @sluice/protocol NAME

Makes the folder NAME with a package in it: a protocol for Sluice in TypeScript, its tests, and a README.
NAME is the name of the package, with a scope if you like: line-lengths, @acme/line-lengths.
`;

function main(args: readonly string[]): string {
  if (args.includes('--help') || args.includes('-h')) return USAGE;
  const [name, ...rest] = args;
  if (name === undefined) throw new CreateError('ERR_CREATE_USAGE', `There is no name.\n\n${USAGE}`);
  const unknown = args.find((arg) => arg.startsWith('-')) ?? rest[0];
  if (unknown !== undefined) throw new CreateError('ERR_CREATE_USAGE', `What is '${unknown}'?\n\n${USAGE}`);
  const { folder, files } = createProtocol(name);
  const place = relative(process.cwd(), folder);
  return `Made ${place}: ${files.join(', ')}\n\nGo on with:\n\n    cd ${place}\n    npm install\n    npm test\n`;
}

try {
  process.stdout.write(main(process.argv.slice(2)));
} catch (thrown) {
  if (!(thrown instanceof CreateError)) throw thrown;
  process.stderr.write(`${thrown.message.trimEnd()}\n`);
  process.exitCode = 1;
}
