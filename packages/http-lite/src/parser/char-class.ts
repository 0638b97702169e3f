/**
 * Which bytes may stand where in a request head, as tables of 256 entries.
 *
 * Rule: the tables are RFC 9110 and RFC 3986, not what some peer happens to send.
 */

const ALPHA = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const DIGIT = '0123456789';

/** `tchar` of RFC 9110 §5.6.2: methods and field names. */
export const TOKEN = table(`${ALPHA}${DIGIT}!#$%&'*+-.^_\`|~`);

/** `reg-name` of RFC 3986 §3.2.2 without its percent sign: unreserved and sub-delims. */
export const REG_NAME = table(`${ALPHA}${DIGIT}-._~!$&'()*+,;=`);

/** What may stand between the brackets of an `IP-literal` (RFC 3986 §3.2.2). */
export const IP_LITERAL = table(`${ALPHA}${DIGIT}-._~!$&'()*+,;=:`);

/**
 * Bytes of a request target: every visible ASCII character but `#`, which no target may hold (RFC 9112 §3.2) and on
 * which servers and proxies have disagreed. Brackets, braces and quotes are let through: deployed clients send them.
 */
export const TARGET = table(range(0x21, 0x7e).replace('#', ''));

/** Bytes of a field value, and of a chunk extension: no control bytes but HTAB (RFC 9110 §5.5). */
export const FIELD_VALUE = table(`\t${range(0x20, 0x7e)}${range(0x80, 0xff)}`);

/** 0 to 15 for hexadecimal digits, 255 for everything else. */
export const HEX_VALUE = hexValues();

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** Whether a non-empty string consists of token characters only. */
export function isToken(text: string): boolean {
  return TOKEN_TEXT.test(text);
}

const TOKEN_TEXT = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function table(members: string): Uint8Array {
  const result = new Uint8Array(256);
  for (let index = 0; index < members.length; index++) result[members.charCodeAt(index)] = 1;
  return result;
}

function range(first: number, last: number): string {
  let text = '';
  for (let code = first; code <= last; code++) text += String.fromCharCode(code);
  return text;
}

function hexValues(): Uint8Array {
  const result = new Uint8Array(256).fill(255);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    result[digit.charCodeAt(0)] = value;
    result[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return result;
}
