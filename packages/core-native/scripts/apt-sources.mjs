// Reads apt's own configuration for one fact: where this machine gets Debian, and its security updates, from.
// Rule: only Debian's own archives count, never a third party's.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The archive as `{ uri, suite, signedBy }`, or undefined on a machine that is not fed by Debian. */
export function findDebianArchive(etc = '/etc/apt') {
  return findArchive(etc, isMainDebian, isRelease);
}

/** Likewise the archive of its security updates, where the machine names one. */
export function findSecurityArchive(etc = '/etc/apt') {
  return findArchive(etc, isDebianSecurity, isSecuritySuite);
}

function findArchive(etc, isWanted, isWantedSuite) {
  const entries = sourceFiles(etc).flatMap((path) => {
    const text = readFileSync(path, 'utf8');
    return path.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text);
  });
  const found = entries.find(isWanted);
  return found && { uri: found.uri, suite: found.suites.find(isWantedSuite), signedBy: found.signedBy };
}

/** Entries of a deb822 file (sources.list(5)): one for each URI, `signedBy` a path or a whole key. */
export function parseDeb822(text) {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = stanzaFields(stanza);
    if (fields.get('enabled')?.toLowerCase() === 'no') return [];
    const words = (name) => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    return words('uris').map((uri) => ({
      uri,
      suites: words('suites'),
      components: words('components'),
      signedBy: fields.get('signed-by'),
    }));
  });
}

/** Entries of a one-line file: `deb [options] uri suite component…`. */
export function parseOneLine(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri, suite, components] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    return [{ uri, suites: [suite], components: components.trim().split(/\s+/), signedBy }];
  });
}

function sourceFiles(etc) {
  const parts = join(etc, 'sources.list.d');
  const names = listOrNothing(parts).filter((name) => /\.(list|sources)$/.test(name));
  const main = listOrNothing(etc).includes('sources.list') ? [join(etc, 'sources.list')] : [];
  return [...main, ...names.sort().map((name) => join(parts, name))];
}

function listOrNothing(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function stanzaFields(stanza) {
  const fields = new Map();
  let current;
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#')) continue;
    const match = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
    if (match !== null) {
      current = match[1].toLowerCase();
      fields.set(current, match[2].trim());
    } else if (current !== undefined && /^\s/.test(line)) {
      // An inline key is folded with " ." for its empty lines.
      const continued = line.trim() === '.' ? '' : line.trim();
      fields.set(current, `${fields.get(current)}\n${continued}`);
    }
  }
  return fields;
}

/**
 * A mirror may have any host, so the path decides: `…/debian`, or the list that Debian's cloud images use.
 * Third parties that also end in `/debian` do not call their component `main`.
 */
function isMainDebian({ uri, suites, components }) {
  const path = uri.replace(/\/+$/, '');
  if (!/\/debian$/.test(path) && !/^mirror\+file:.*\/debian\.list$/.test(path)) return false;
  if (!components.includes('main')) return false;
  return suites.some(isRelease);
}

/** `…/debian-security`, or its mirror list; older machines say `…/security`, which is no name to rely on. */
function isDebianSecurity({ uri, suites, components }) {
  const path = uri.replace(/\/+$/, '');
  if (!/\/debian-security$/.test(path) && !/^mirror\+file:.*\/debian-security\.list$/.test(path))
    return false;
  return components.includes('main') && suites.some(isSecuritySuite);
}

const isRelease = (suite) => !/security|updates|backports/.test(suite);
const isSecuritySuite = (suite) => suite.endsWith('-security');
