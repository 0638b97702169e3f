#!/usr/bin/env node
// `npm run lab -- COMMAND [ARGUMENT...]`: runs a command in a kernel with TLS and a network that can be bad (docs/lab.md).
import { runAsCommand } from '../packages/core-native/scripts/command.mjs';
import { labCommand } from './lab/lab-command.mjs';

await runAsCommand(import.meta.url, (args) => labCommand(args));
