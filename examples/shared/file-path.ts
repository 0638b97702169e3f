/**
 * What a request target says about a file.
 *
 * Rule: this is about meaning only. That nobody gets out of the folder is for `Folder.open` to see to, whatever comes from here.
 */

/**
 * The path of the file that `target` names, relative to the folder; `index.html` of what ends with a slash. Undefined for
 * what names none: dot segments, empty ones, hidden files (all but `/.well-known`, RFC 8615), escapes that are none, and a
 * slash or a NUL in an escape, which no file's name has.
 */
export function filePath(target: string): string | undefined {
  if (isPlain(target)) return target.slice(1);
  // The absolute form (RFC 9112 section 3.2.2) names the same resource.
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (path === '') return 'index.html';
  if (!path.startsWith('/')) return undefined;
  const segments = path.slice(1).split('/').map(decoded);
  const last = segments.pop();
  if (last === undefined || !segments.every(isName) || (last !== '' && !isName(last))) return undefined;
  return [...segments, last === '' ? 'index.html' : last].join('/');
}

/**
 * Whether `target` is a path of names of letters, digits, `_`, `-` and dots that begin with no dot, as nearly all are: nothing to
 * look at twice. A loop, for a regular expression costs more than all else about a short path.
 */
function isPlain(target: string): boolean {
  let isBegin = false;
  for (let at = 0; at < target.length; at += 1) {
    const code = target.charCodeAt(at);
    if (at === 0 && code !== SLASH) return false;
    if (isBegin && (code === SLASH || code === DOT)) return false;
    isBegin = code === SLASH;
    if (!isBegin && code !== DOT && !isNameCode(code)) return false;
  }
  return !isBegin && target !== '';
}

const SLASH = 0x2f;
const DOT = 0x2e;

/** A letter, a digit, `_` or `-`. */
function isNameCode(code: number): boolean {
  const isLetter = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
  return isLetter || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function isName(segment: string | undefined): boolean {
  if (segment === undefined || segment === '' || /[/\0]/.test(segment)) return false;
  return !segment.startsWith('.') || segment === '.well-known';
}
