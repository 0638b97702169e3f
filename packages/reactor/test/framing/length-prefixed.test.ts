import { describe, expect, test } from 'vitest';
import { FrameError, lengthPrefixed, UsageError } from '../../src/index.ts';
import { tellFrames } from './told-frames.ts';
import { writtenBy } from './written-by.ts';

const HEADERS = [
  [{ header: 1 }, '\x03'],
  [{ header: 2 }, '\0\x03'],
  [{ header: 3 }, '\0\0\x03'],
  [{ header: 4 }, '\0\0\0\x03'],
  [{ header: 2, littleEndian: true }, '\x03\0'],
  [{ header: 3, littleEndian: true }, '\x03\0\0'],
  [{ header: 4, littleEndian: true }, '\x03\0\0\0'],
  [{ header: 1, includesHeader: true }, '\x04'],
  [{ header: 4, includesHeader: true }, '\0\0\0\x07'],
  [{ header: 2, littleEndian: true, includesHeader: true }, '\x05\0'],
  [{ header: 'varint' }, '\x03'],
] as const;

describe('frames with their length in front', () => {
  test.for(HEADERS)('%j are told without it, and written with it', async ([options, header]) => {
    const framing = lengthPrefixed({ ...options, maxBytes: 3 });
    const wire = writtenBy((conn) => {
      for (const content of ['abc', '', Buffer.from('d')]) framing.write(conn, content);
    }).join('');
    expect(wire.startsWith(`${header}abc`)).toBe(true);
    expect((await tellFrames(framing, [wire])).frames).toEqual(['abc', '', 'd']);
    expect((await tellFrames(framing, [...wire])).frames).toEqual(['abc', '', 'd']);
  });

  test.for(HEADERS)(
    '%j of a byte too many break the connection as soon as that is known',
    async ([options]) => {
      const roomy = lengthPrefixed({ ...options, maxBytes: 4 });
      const wire = writtenBy((conn) => roomy.write(conn, 'abcd')).join('');
      const narrow = lengthPrefixed({ ...options, maxBytes: 3 });
      const good = writtenBy((conn) => narrow.write(conn, 'abc')).join('');
      const { frames, error } = await tellFrames(narrow, [good, wire.slice(0, -4)]);
      expect(frames).toEqual(['abc']);
      expect(error).toBeInstanceOf(FrameError);
      expect(error).toMatchObject({
        code: 'ERR_FRAME_TOO_LONG',
        message: 'The peer sent a frame of more than 3 bytes. Raise maxBytes if it may be that long.',
      });
      expect((await tellFrames(narrow, [good, wire.slice(0, -5)])).error).toBeUndefined();
    },
  );

  test.for([
    [127, '\x7f'],
    [128, '\x80\x01'],
    [16_383, '\xff\x7f'],
    [16_384, '\x80\x80\x01'],
  ] as const)('as a varint: %i', async ([length, header]) => {
    const framing = lengthPrefixed({ header: 'varint', maxBytes: 20_000 });
    const wire = writtenBy((conn) => framing.write(conn, 'x'.repeat(length))).join('');
    expect(wire).toBe(header + 'x'.repeat(length));
    const { frames } = await tellFrames(framing, [wire.slice(0, 1), wire.slice(1), wire]);
    expect(frames.map((frame) => frame.length)).toEqual([length, length]);
  });

  test('as a varint may have its zeros written out, up to five bytes', async () => {
    const framing = lengthPrefixed({ header: 'varint', maxBytes: 20 });
    expect((await tellFrames(framing, ['\x81\x80\x80\x80\0a', '\x80\0'])).frames).toEqual(['a', '']);
    const { error } = await tellFrames(framing, [...'\x81\x80\x80\x80\x80']);
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({ code: 'ERR_FRAME_HEADER', message: 'A length of more than 5 bytes.' });
    const most = lengthPrefixed({ header: 'varint', maxBytes: 2 ** 32 - 1 });
    expect((await tellFrames(most, ['\xff\xff\xff\xff\x0f'])).error).toBeUndefined();
    expect((await tellFrames(most, ['\xff\xff\xff\xff\x1f'])).error).toMatchObject({
      code: 'ERR_FRAME_TOO_LONG',
    });
  });

  test('that leave no room for their own header break the connection', async () => {
    const framing = lengthPrefixed({ header: 4, includesHeader: true, maxBytes: 20 });
    expect((await tellFrames(framing, ['\0\0\0\x04\0\0\0\x04'])).frames).toEqual(['', '']);
    const { error } = await tellFrames(framing, ['\0\0\0\x03']);
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({
      code: 'ERR_FRAME_HEADER',
      message: 'A frame of 3 bytes would not have room for its header.',
    });
  });

  test('take no memory that was only promised', async () => {
    const framing = lengthPrefixed({ header: 4, maxBytes: 2 ** 32 - 1 });
    const before = process.memoryUsage().arrayBuffers;
    await tellFrames(framing, ['\xff\xff\xff\xff', 'a few']);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  test('are told as text where an encoding is given, which their length counts in bytes', async () => {
    const framing = lengthPrefixed({ header: 1, maxBytes: 4, encoding: 'utf8' });
    const wire = writtenBy((conn) => framing.write(conn, '☃!')).join('');
    expect(wire).toBe('\x04\xe2\x98\x83!');
    expect((await tellFrames(framing, [wire])).frames).toEqual(['☃!']);
    expect(() => writtenBy((conn) => framing.write(conn, '☃☃'))).toThrowError(
      expect.objectContaining({ code: 'ERR_FRAME_CONTENT' }),
    );
  });

  test.for([
    [{ header: 0, maxBytes: 1 }, /header must be an integer from 1 to 4/],
    [{ maxBytes: 1 }, /header must be an integer from 1 to 4/],
    [{ header: 1, maxBytes: 256 }, /maxBytes must be an integer from 0 to 255/],
    [{ header: 1, includesHeader: true, maxBytes: 255 }, /maxBytes must be an integer from 0 to 254/],
    [{ header: 'varint', includesHeader: true, maxBytes: 1 }, /no meaning beside a varint/],
    [{ header: 2, littleEndian: 1, maxBytes: 1 }, /littleEndian must be true or false/],
  ] as const)('refuse the options %j', ([options, message]) => {
    const make = () => lengthPrefixed(options as never);
    expect(make).toThrowError(UsageError);
    expect(make).toThrowError(expect.objectContaining({ code: 'ERR_OPTION_VALUE' }));
    expect(make).toThrowError(message);
  });
});
