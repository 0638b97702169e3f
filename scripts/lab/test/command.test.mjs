// What `npm run lab` promises to whoever runs a command in it.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kernelsOf, lab, ownCache, untilNoKernel } from './runner.mjs';

const ODD = ["it's", 'a  "b"', '', '$HOME `id` $(id)', '*', '-n', 'two\nlines', '\\', 'é', '#!&;|<>'];

let cache;
beforeAll(async () => {
  cache = await ownCache();
});
afterAll(() => {
  expect(cache.runs()).toEqual([]);
  expect(kernelsOf(cache)).toEqual([]);
  cache.remove();
});

describe.concurrent('a command in the lab', () => {
  it('has its arguments, its folder, its environment and its two outputs, and its exit code is ours', async () => {
    const cwd = join(cache.path, "the command's folder");
    mkdirSync(cwd);
    const script = `printf '%s\\0' "$@"; pwd >&2; printf '%s' "$ODD" >&2; echo made >file; exit 7`;
    const { ended } = lab(['--memory', '512M', 'sh', '-c', script, 'sh', ...ODD], {
      cache,
      cwd,
      env: { ODD: ODD.join(), 'a name that no shell takes': '1' },
    });
    const { code, stdout, stderr } = await ended;
    expect(stdout.split('\0')).toEqual([...ODD, '']);
    expect(stderr).toBe(`${cwd}\n${ODD.join()}`);
    expect(code).toBe(7);
    expect(readFileSync(join(cwd, 'file'), 'utf8')).toBe('made\n');
  });

  it('that does not exist ends with 127, and what it had left behind ends with it', async () => {
    const missing = lab(['sh', '-c', 'sleep 1000 & exec no-such-command'], { cache });
    expect(await missing.ended).toMatchObject({ code: 127, stdout: '' });
  });

  it('has a network as bad as it was asked for', async () => {
    const netem = lab(['--netem', 'delay 20ms loss 2%', 'tc', 'qdisc', 'show', 'dev', 'lo'], { cache });
    const { code, stdout } = await netem.ended;
    expect(stdout).toMatch(/^qdisc netem .* delay 20ms loss 2%/);
    expect(code).toBe(0);
  });

  it('that takes too long is asked to end, and the exit code is 124', async () => {
    const { code, stderr } = await lab(['--timeout', '1', 'sleep', '1000'], { cache }).ended;
    expect(stderr).toContain('the command took longer than 1 s');
    expect(code).toBe(124);
  });

  it('gets SIGTERM from the runner, and what it still says and its exit code are passed on', async () => {
    const trap = `trap 'echo drained; exit 3' TERM; echo ready; sleep 1000 & wait`;
    const { child, nextLine, ended } = lab(['sh', '-c', trap], { cache });
    expect(await nextLine()).toBe('ready');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 3, stdout: 'ready\ndrained\n' });
  });

  it('that ignores signals ends at once by the second', async () => {
    const { child, nextLine, ended } = lab(['sh', '-c', `trap '' INT TERM; echo ready; sleep 1000`], {
      cache,
    });
    expect(await nextLine()).toBe('ready');
    child.kill('SIGTERM');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: null, signal: expect.stringMatching(/^SIG(TERM|INT)$/) });
  });

  it('ends with a runner that was killed', async () => {
    const own = await ownCache();
    const { child, nextLine } = lab(['sh', '-c', `trap '' TERM; echo ready; sleep 1000`], { cache: own });
    expect(await nextLine()).toBe('ready');
    expect(kernelsOf(own).length).toBeGreaterThan(1);
    child.kill('SIGKILL');
    await untilNoKernel(own);
    expect(own.runs()).toEqual([]);
    own.remove();
  });
});
