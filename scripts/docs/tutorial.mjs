// The page that is followed, and what of it depends on the machine.
import { join } from 'node:path';
import { ROOT } from '../root.mjs';

export const TUTORIAL_PAGE = join(ROOT, 'docs', 'write-a-protocol.md');

/** Numbers in it, in place of which whoever follows it takes free ones. */
export const TUTORIAL_PORTS = [7007, 7443];

/** Programs that it asks its reader to have, besides npm. */
export const TUTORIAL_PROGRAMS = ['bash', 'curl', 'openssl'];
