// The Markdown that belongs to this clone.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../root.mjs';

/** Folders that an installation, a build or a run makes. */
const MADE = new Set(['.cache', '.git', 'build', 'build-sanitized', 'dist', 'docs-site', 'node_modules']);

/** Absolute paths of all of it, whether git has it already or not. */
export function markdownFiles(folder = ROOT) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return MADE.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}
