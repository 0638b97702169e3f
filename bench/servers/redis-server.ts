/** Redis itself, made to speak like the other servers: nothing is written to disk, one thread serves. */
import { parseArgs } from 'node:util';
import { HOST, runInstalledServer } from './installed-server.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

await runInstalledServer({
  program: 'redis-server',
  port: Number(values.port),
  configuration: (port, folder) =>
    `bind ${HOST}\nport ${port}\nsave ""\nappendonly no\ndaemonize no\nio-threads 1\ndir ${folder}\n`,
  args: (file) => [file],
});
