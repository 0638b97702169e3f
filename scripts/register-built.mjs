// Has `@sluice/` imports of a program, and of its worker threads, go to dist/, as they do where the packages are installed.
import { register } from 'node:module';

register('./resolve-built.mjs', import.meta.url);
