import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CreateError, createProtocol } from '../src/index.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-create-'));
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** What `npm install` would bring, out of this workspace. */
function link(folder: string): void {
  mkdirSync(join(folder, 'node_modules/@sluice'), { recursive: true });
  mkdirSync(join(folder, 'node_modules/@types'));
  symlinkSync(join(ROOT, 'packages/reactor'), join(folder, 'node_modules/@sluice/reactor'));
  for (const name of ['tsx', 'typescript', '@types/node'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
}

describe('the package that is made', () => {
  test.each(['line-lengths', '@acme/tally'])('passes its own tests and its type check: %s', async (name) => {
    const { folder, files } = createProtocol(name, parent);
    const bare = name.replace('@acme/', '');
    expect(files).toContain(join('src', `${bare}.ts`));
    expect(files).toContain('.gitignore');
    const everything = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('');
    expect(everything).not.toMatch(/my-?protocol|@scope/i);
    expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toMatchObject({ name });
    link(folder);
    const tests = ['--import', 'tsx', '--test', '--test-reporter', 'tap', `test/${bare}.test.ts`];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await run(process.execPath, tests, { cwd: folder, env });
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).toMatch(/^# pass 31$/m);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', folder], { cwd: folder });
  });
});

describe('what is refused', () => {
  test.each([
    ['', 'it is empty'],
    ['Lines', 'it has capital letters'],
    ['../lines', 'it is a path'],
    ['7up', 'it does not begin with a letter'],
    ['a b', 'it has something else than letters'],
    ['http', 'it is a module of Node itself'],
    ['class', 'it is a word of JavaScript'],
    ['test-connection', 'it has another meaning'],
    ['@A/lines', 'a scope has small letters'],
    ['x'.repeat(215), 'it is longer than 214'],
  ])('the name %j', (name, reason) => {
    const create = () => createProtocol(name, parent);
    expect(create).toThrow(CreateError);
    expect(create).toThrow(
      expect.objectContaining({ code: 'ERR_CREATE_NAME', message: expect.stringContaining(reason) }),
    );
    expect(readdirSync(parent)).toEqual([]);
  });

  test('a folder that is not empty, or is none, and nothing in it is touched', () => {
    mkdirSync(join(parent, 'full'));
    writeFileSync(join(parent, 'full/notes'), 'mine');
    writeFileSync(join(parent, 'file'), 'mine');
    for (const [name, reason] of [
      ['full', 'is not empty (notes)'],
      ['file', 'and no folder'],
    ] as const) {
      const error = expect.objectContaining({
        code: 'ERR_CREATE_FOLDER',
        message: expect.stringContaining(reason),
      });
      expect(() => createProtocol(name, parent)).toThrow(error);
    }
    expect(readdirSync(join(parent, 'full'))).toEqual(['notes']);
  });

  test('by the command too, with a message and without a stack', async () => {
    const command = [
      '--import',
      join(ROOT, 'node_modules/tsx/dist/loader.mjs'),
      join(ROOT, 'packages/create-protocol/src/cli.ts'),
    ];
    const made = await run(process.execPath, [...command, 'tally'], { cwd: parent });
    expect(made.stdout).toContain('cd tally\n    npm install\n    npm test');
    for (const [args, message] of [
      [[], 'There is no name.'],
      [['a', '--b'], "What is '--b'?"],
      [['tally'], 'is not empty'],
    ] as const) {
      const error = await run(process.execPath, [...command, ...args], { cwd: parent }).catch(
        (thrown) => thrown,
      );
      expect(error.code).toBe(1);
      expect(error.stderr).toContain(message);
      expect(error.stderr).not.toContain('    at ');
    }
  });
});
