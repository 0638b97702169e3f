/**
 * What files are, by the ends of their names.
 *
 * Rule: the table is a library's (`mime`, made from IANA's registry): a thousand names that change without us. It is loaded
 * when the first file is sent, for who sends none shall not pay for it.
 */

interface Types {
  getType(name: string): string | null;
}

let types: Types | undefined;
const known = new Map<string, string>();
const MAX_KNOWN = 1024;

/** Resolves when {@link contentType} can be asked. */
export async function loadTypes(): Promise<void> {
  types ??= (await import('mime')).default;
}

/** Whether {@link loadTypes} has nothing to do any more. */
export function typesAreLoaded(): boolean {
  return types !== undefined;
}

/** The Content-Type of a file of that name or path: text is taken to be UTF-8, and what is not known to be bytes. */
export function contentType(name: string): string {
  const extension = extensionOf(name);
  const before = known.get(extension);
  if (before !== undefined) return before;
  const type = types?.getType(`x${extension}`) ?? 'application/octet-stream';
  const whole = type.startsWith('text/') ? `${type}; charset=utf-8` : type;
  if (types !== undefined && known.size < MAX_KNOWN) known.set(extension, whole);
  return whole;
}

/** With its dot. What begins with its only dot has none: it is hidden. */
function extensionOf(name: string): string {
  let dot = -1;
  for (let at = name.length - 1; at >= 0; at -= 1) {
    const code = name.charCodeAt(at);
    if (code === SLASH) return dot > at + 1 ? name.slice(dot) : '';
    if (code === DOT && dot < 0) dot = at;
  }
  return dot > 0 ? name.slice(dot) : '';
}

const DOT = 0x2e;
const SLASH = 0x2f;
