// `npm run lab` in a clone that is up to date: a test has a cache of its own, and nothing but the lab is in that.
import { runAsCommand } from '../../../packages/core-native/scripts/command.mjs';
import { labCommand } from '../lab-command.mjs';

await runAsCommand(import.meta.url, (args) => labCommand(args, { prepare: async () => {} }));
