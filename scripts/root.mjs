// The folder of this clone.
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');
