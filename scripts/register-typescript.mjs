// Loaded into every program that run-program.mjs starts, and by Node into each of its worker threads.
// `--import tsx` would do for the main thread alone: on Node 20 a worker gets no loader from it.
import { register } from 'tsx/esm/api';

register();
