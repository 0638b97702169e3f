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
  if (PLAIN.test(target)) return target.slice(1);
  // The absolute form (RFC 9112 section 3.2.2) names the same resource.
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (path === '') return 'index.html';
  if (!path.startsWith('/')) return undefined;
  const segments = path.slice(1).split('/').map(decoded);
  const last = segments.pop();
  if (last === undefined || !segments.every(isName) || (last !== '' && !isName(last))) return undefined;
  return [...segments, last === '' ? 'index.html' : last].join('/');
}

/** A path of names without escapes that begin with no dot, as nearly all are: nothing to look at twice. */
const PLAIN = /^(?:\/[\w-][\w.-]*)+$/;

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
