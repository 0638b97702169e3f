import { describe, expect, test } from 'vitest';
import { delimited, FrameError, UsageError } from '../../src/index.ts';
import { tellFrames } from './told-frames.ts';
import { writtenBy } from './written-by.ts';

const DASHES = delimited('--|', { maxBytes: 5 });

describe('delimited frames', () => {
  test('end with the delimiter, wherever it is cut', async () => {
    for (const chunks of [
      ['ab--|--|c-d--|'],
      ['ab-', '-', '|-', '-|c-d', '--', '|'],
      [...'ab--|--|c-d--|'],
    ]) {
      expect((await tellFrames(DASHES, chunks)).frames).toEqual(['ab', '', 'c-d']);
    }
  });

  test('may end with the beginning of a delimiter', async () => {
    expect((await tellFrames(DASHES, ['ab---|', 'a--', '-', '|-', '---|'])).frames).toEqual([
      'ab-',
      'a-',
      '--',
    ]);
  });

  test.for(['1234--|5--|', '12345--|'])('of as many bytes as are allowed are told: %s', async (stream) => {
    const { frames, error } = await tellFrames(DASHES, [...stream]);
    expect(frames).toEqual(stream.split('--|').slice(0, -1));
    expect(error).toBeUndefined();
  });

  test.for([
    ['that is whole', ['123456--|']],
    ['that is not', ['123456']],
    ['whose delimiter turned out to be none', ['12345--', '-']],
    ['that came byte by byte', [...'123456']],
  ] as const)('of a byte too many, %s, break the connection', async ([, chunks]) => {
    const { frames, error } = await tellFrames(DASHES, ['a--|', ...chunks]);
    expect(frames).toEqual(['a']);
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
      message: 'The peer sent a frame of more than 5 bytes. Raise maxBytes if it may be that long.',
    });
  });

  test('may have a delimiter of bytes, and are told as text where an encoding is given', async () => {
    const framing = delimited(Buffer.from([0]), { maxBytes: 9, encoding: 'utf8' });
    expect((await tellFrames(framing, [Buffer.from('é\0b\0')])).frames).toEqual(['é', 'b']);
    expect(writtenBy((conn) => framing.write(conn, 'é'))).toEqual(['\xc3\xa9\0']);
  });

  test('keep to a delimiter that its caller changes later', async () => {
    const mark = Buffer.from('|');
    const framing = delimited(mark, { maxBytes: 9 });
    mark.fill(0x41);
    expect((await tellFrames(framing, ['a|b|'])).frames).toEqual(['a', 'b']);
  });

  test.for(['a--|b', '-', '12345-'])(
    'are not written where the other side would read another frame: %s',
    (content) => {
      const write = () => writtenBy((conn) => DASHES.write(conn, content));
      // A dash in front of the delimiter is only content.
      if (content === '-') return expect(write()).toEqual(['---|']);
      expect(write).toThrowError(UsageError);
      expect(write).toThrowError(expect.objectContaining({ code: 'ERR_FRAME_CONTENT' }));
      expect(write).toThrowError(content === 'a--|b' ? /delimiter in it/ : /more than 5 bytes/);
      return undefined;
    },
  );

  test('are not written where their end and the delimiter make an earlier one', () => {
    const framing = delimited('aab', { maxBytes: 9 });
    expect(writtenBy((conn) => framing.write(conn, 'a'))).toEqual(['aaab']);
    const overlapping = delimited('aba', { maxBytes: 9 });
    expect(() => writtenBy((conn) => overlapping.write(conn, 'ab'))).toThrowError(/delimiter in it/);
  });

  test('need a delimiter', () => {
    expect(() => delimited('', { maxBytes: 1 })).toThrowError(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: 'delimiter must have at least one byte.',
      }),
    );
  });
});
