import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { follow } from '../docs/follow.mjs';

let cwd;
const env = { PATH: process.env.PATH };

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-follow-'));
});

afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const fence = (info, ...lines) => ['```'.concat(info), ...lines, '```'].join('\n');
const followed = (...fences) => follow(fences.join('\n\n'), { cwd, env });

describe('a document that is followed', () => {
  test('has one shell, which stays in its folder, and files that are made there', async () => {
    const counts = await followed(
      fence('sh', 'word=hello', 'mkdir inner', 'cd inner'),
      fence('text', ''),
      fence('ts title=deep/a.ts', 'one'),
      fence('ts title=deep/a.ts append', 'two'),
      fence('sh', 'echo $word', 'cat deep/a.ts'),
      fence('text', 'hello', 'one', '', 'two'),
    );
    expect(counts).toEqual({ commands: 2, output: 2, file: 2 });
    expect(readFileSync(join(cwd, 'inner/deep/a.ts'), 'utf8')).toBe('one\n\ntwo\n');
  });

  test('is waited for where it starts something in the background, which does not outlive it', async () => {
    await followed(
      fence(
        'sh',
        '(echo $BASHPID > pid; until [ -e go ]; do sleep 0.01; done; echo gone; exec sleep 1000) &',
      ),
      fence('sh', 'touch go'),
      fence('text', 'gone'),
    );
    const pid = Number(readFileSync(join(cwd, 'pid'), 'utf8'));
    // Nobody may have taken note of its death yet.
    const state = existsSync(`/proc/${pid}`)
      ? readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[2]
      : 'gone';
    expect(['gone', 'Z']).toContain(state);
  });

  test('has its jobs ended by %1, and does not feed the text that follows to a command', async () => {
    await followed(
      fence(
        'sh',
        'cat > taken',
        'sh -c \'trap "echo told; exit" INT; echo up; while :; do sleep 0.01; done\' &',
      ),
      fence('text', 'up'),
      fence('sh', 'kill -INT %1'),
      fence('text', 'told'),
    );
    expect(readFileSync(join(cwd, 'taken'), 'utf8')).toBe('');
  });

  test('may have commands of its own in place of some, and ports that are free', async () => {
    const ports = [7007];
    const instead = (line) => line.replace('npm install', 'echo linked');
    const markdown = `${fence('sh', 'npm install', 'echo port 7007')}\n${fence('text', 'linked', 'port 7007')}`;
    await follow(markdown, { cwd, env, ports, instead });
    await expect(follow('', { cwd, env, ports })).rejects.toThrow('the document has no port 7007');
  });
});

describe('a document that is wrong', () => {
  test('about a command that fails, be it not the last one', async () => {
    const following = followed(fence('sh', 'touch before', 'false', 'touch after'));
    await expect(following).rejects.toThrow('line 1: a command ended with 1');
    expect(existsSync(join(cwd, 'before'))).toBe(true);
  });

  test('about a file that it adds to', async () => {
    await expect(followed(fence('ts title=a.ts append', 'x'))).rejects.toThrow(
      'line 1: there is no a.ts to add to',
    );
  });

  test('about what is shown, told when the shell has nothing more to say', async () => {
    const following = followed(fence('sh', 'echo one'), fence('text', 'two'));
    await expect(following).rejects.toThrow(/^line 5: this was not shown: two\n.*one/s);
  });

  test('about commands that come to an end', async () => {
    const following = follow(fence('sh', 'sleep 1000'), { cwd, env, limitMs: 100 });
    await expect(following).rejects.toThrow('line 1: the commands do not come to an end');
  });

  test('by ending its own shell', async () => {
    await expect(followed(fence('sh', 'exit 0'))).rejects.toThrow(
      'line 1: the commands do not come to an end',
    );
  });
});
