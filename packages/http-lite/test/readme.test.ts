/** The server that the README begins with, run as it stands there, on a port that is free. */
import { readFileSync } from 'node:fs';
import * as httpLite from '@sluice/http-lite';
import { createReactor, type Reactor } from '@sluice/reactor';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterEach, expect, it } from 'vitest';

const LINES = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split('\n');

let reactor: Reactor | undefined;
afterEach(() => reactor?.shutdown({ deadlineMs: 0 }));

/** The first program in the README, and the number of its last line. */
function firstProgram(): { readonly text: string; readonly endsAt: number } {
  const begin = LINES.indexOf('```ts');
  const end = LINES.indexOf('```', begin);
  return { text: LINES.slice(begin + 1, end).join('\n'), endsAt: end };
}

/** Runs a program of two imports; returns what it said. */
async function run(text: string): Promise<string[]> {
  const said: string[] = [];
  const modules = {
    '@sluice/http-lite': httpLite,
    '@sluice/reactor': {
      createReactor: () => {
        reactor = createReactor();
        return reactor;
      },
    },
  };
  const compilerOptions = { target: ScriptTarget.ES2022, module: ModuleKind.CommonJS };
  // Top-level await has no place in CommonJS: the program becomes the body of a function.
  const [imports, body] = text.split(/\n\n(.*)/s) as [string, string];
  const code = transpileModule(`${imports}\nexport async function main() {\n${body}\n}`, { compilerOptions });
  const exports: { main?: () => Promise<void> } = {};
  const require = (name: keyof typeof modules) => modules[name];
  const log = { log: (line: string) => said.push(line) };
  new Function('exports', 'require', 'console', code.outputText)(exports, require, log);
  await exports.main?.();
  return said;
}

it('the README begins with a complete server, within 20 lines, that does what it says', async () => {
  const { text, endsAt } = firstProgram();
  expect(endsAt).toBeLessThan(20);
  expect(text).toContain('port: 8080');
  const [said] = await run(text.replace('port: 8080', "port: 0, host: '127.0.0.1'"));
  const url = /http:\/\/localhost:(\d+)\/sum$/.exec(said ?? '');
  const origin = `http://127.0.0.1:${url?.[1]}`;
  const ask = async (path: string, body?: string) => {
    const answer = await fetch(origin + path, body === undefined ? {} : { method: 'POST', body });
    return [answer.status, await answer.text()];
  };
  expect(await ask('/sum', '[1,2]')).toEqual([200, '3\n']);
  expect(await ask('/sum', '[1')).toEqual([400, '400 Bad Request: the body is not JSON in UTF-8\n']);
  expect(await ask('/?name=you')).toEqual([200, 'hello, you\n']);
});
