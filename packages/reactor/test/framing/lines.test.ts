import { describe, expect, test } from 'vitest';
import { FrameError, lines, UsageError } from '../../src/index.ts';
import { tellFrames } from './told-frames.ts';
import { writtenBy } from './written-by.ts';

const TEN = lines({ maxBytes: 10 });

describe('lines', () => {
  test('end with LF or CR LF, mixed, and may be empty', async () => {
    const { frames } = await tellFrames(TEN, ['one\r\ntwo\n\n\r\nthree\n']);
    expect(frames).toEqual(['one', 'two', '', '', 'three']);
  });

  test('keep a CR that no LF follows, and all but one that come before one', async () => {
    const { frames } = await tellFrames(TEN, ['a\rb\n\r\r\n\r', '\n', 'c\r', 'd\n']);
    expect(frames).toEqual(['a\rb', '\r', '', 'c\rd']);
  });

  test('are told as text where an encoding is given, characters that are cut included', async () => {
    const snowman = Buffer.from('☃!\n');
    const utf8 = lines({ maxBytes: 10, encoding: 'utf8' });
    expect((await tellFrames(utf8, [snowman.subarray(0, 1), snowman.subarray(1)])).frames).toEqual(['☃!']);
    expect(
      (await tellFrames(lines({ maxBytes: 10, encoding: 'latin1' }), [Buffer.from([0xe9, 0x0a])])).frames,
    ).toEqual(['é']);
  });

  test.for([
    ['that is whole', ['12345678901\n']],
    ['that is not', ['12345678901']],
    ['that ends with CR LF', ['12345678901\r\n']],
    ['whose CR was no line end', ['1234567890\r', '\r']],
    ['that came byte by byte', [...'12345678901']],
  ] as const)('of a byte too many, %s, break the connection', async ([, chunks]) => {
    const { frames, error } = await tellFrames(TEN, ['first\n', ...chunks]);
    expect(frames).toEqual(['first']);
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
      message: 'The peer sent a line of more than 10 bytes. Raise maxBytes if it may be that long.',
    });
  });

  test('as long as is allowed are told, whatever ends them', async () => {
    const { frames, error } = await tellFrames(TEN, [
      '1234567890\n1234567890\r\n',
      '1234567890\r',
      '\n1234567890',
      '\n',
    ]);
    expect(frames).toEqual(['1234567890', '1234567890', '1234567890', '1234567890']);
    expect(error).toBeUndefined();
  });

  test('are written with the ending that was asked for, in one call', () => {
    expect(writtenBy((conn) => TEN.write(conn, 'yes'))).toEqual(['yes\r\n']);
    expect(writtenBy((conn) => lines({ maxBytes: 9, ending: '\n' }).write(conn, Buffer.from('yes')))).toEqual(
      ['yes\n'],
    );
    expect(writtenBy((conn) => lines({ maxBytes: 9, encoding: 'latin1' }).write(conn, 'é'))).toEqual([
      '\xe9\r\n',
    ]);
    expect(writtenBy((conn) => TEN.write(conn, 'é'))).toEqual(['\xc3\xa9\r\n']);
  });

  test.for(['a\nb', 'a\rb', Buffer.from('\n'), Buffer.from('\r')])(
    'are not written with a line end in them: %j',
    (content) => {
      const write = () => writtenBy((conn) => TEN.write(conn, content));
      expect(write).toThrowError(UsageError);
      expect(write).toThrowError(expect.objectContaining({ code: 'ERR_FRAME_CONTENT' }));
      expect(write).toThrowError('A line cannot have CR or LF in it: write a line for each.');
    },
  );

  test('are not written longer than they may be read', () => {
    expect(writtenBy((conn) => TEN.write(conn, 'ééééé'))).toEqual([`${'\xc3\xa9'.repeat(5)}\r\n`]);
    const write = () => writtenBy((conn) => TEN.write(conn, 'éééééx'));
    expect(write).toThrowError(UsageError);
    expect(write).toThrowError(expect.objectContaining({ code: 'ERR_FRAME_CONTENT' }));
    expect(write).toThrowError(
      'A line of more than 10 bytes would be refused by the other side. Raise maxBytes at both ends.',
    );
  });

  test.for([
    [{}, 'ERR_OPTION_VALUE', /maxBytes must be an integer from 0/],
    [{ maxBytes: -1 }, 'ERR_OPTION_VALUE', /maxBytes must be an integer from 0/],
    [{ maxBytes: 1, ending: '\r' }, 'ERR_OPTION_VALUE', /ending must be/],
    [{ maxBytes: 1, encoding: 'ucs2' }, 'ERR_OPTION_VALUE', /encoding must be 'utf8' or 'latin1', not ucs2/],
    [{ maxbytes: 1 }, 'ERR_UNKNOWN_OPTION', /Did you mean 'maxBytes'/],
  ] as const)('refuse the options %j', ([options, code, message]) => {
    const make = () => lines(options as never);
    expect(make).toThrowError(UsageError);
    expect(make).toThrowError(expect.objectContaining({ code }));
    expect(make).toThrowError(message);
  });
});
