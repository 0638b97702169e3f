/**
 * Serves the files of a folder, and nothing else: what leads out of it, by `..` or by a symbolic link, is not found, nor are
 * hidden files (`/.well-known` is served). A folder is its `index.html`. Where `NAME.br` or `NAME.gz` stands beside a file, it
 * is sent to who takes it.
 *
 *   npm run example -- files --root docs --port 8080
 *   curl http://127.0.0.1:8080/states.md
 */
import { type HttpRequest, type HttpResponse, http } from '@sluice/http-lite';
import { createReactor, FileError, openFolder } from '@sluice/reactor';
import { exitWith } from './shared/exit-with.ts';
import { filePath } from './shared/file-path.ts';
import { serve } from './shared/serve.ts';
import { settingsWith } from './shared/server-settings.ts';

const { options, flags } = await settingsWith({ flags: ['root'] });
const folder = await openFolder(flags['root'] ?? '.').catch(exitWith);
const served = { folder, precompressed: true };
const reactor = createReactor();
await serve(reactor, reactor.listen(options, http(answer)));

function answer(req: HttpRequest, res: HttpResponse): Promise<void> | undefined {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('allow', 'GET, HEAD');
    return refuse(res, 405, 'Method Not Allowed');
  }
  const path = filePath(req.target);
  if (path === undefined) return refuse(res, 404, 'Not Found');
  // What there is no file for is answered with the status that says so.
  const sent = res.sendFile(path, served);
  // What has begun to leave is no folder.
  if (res.headersSent) return sent;
  return sent.catch((thrown: unknown) => {
    if (thrown instanceof FileError && thrown.code === 'ERR_FILE_TYPE')
      return res.sendFile(`${path}/index.html`, served);
    throw thrown;
  });
}

function refuse(res: HttpResponse, status: number, reason: string): undefined {
  res.status = status;
  res.setHeader('content-type', 'text/plain; charset=utf-8');
  res.end(`${status} ${reason}\n`);
}
