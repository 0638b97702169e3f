// Where everything lives that is made once for a machine and not for a clone.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** `$SLUICE_CACHE_DIR`, else `$XDG_CACHE_HOME/sluice`, else `~/.cache/sluice`. */
export function cacheDirectory(env = process.env) {
  if (env.SLUICE_CACHE_DIR) return resolve(env.SLUICE_CACHE_DIR);
  // The XDG specification says to ignore a relative path.
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'sluice');
  return join(homedir(), '.cache', 'sluice');
}
