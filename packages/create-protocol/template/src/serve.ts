/** `npm start -- 7000`: the protocol on a port. Try it with `curl telnet://localhost:7000`. */
import { createReactor } from '@sluice/reactor';
import { myProtocol } from './my-protocol.ts';

const reactor = createReactor();
const server = await reactor.listen({ port: Number(process.argv[2] ?? 7000) }, myProtocol());
console.log(`listening on port ${server.address()?.port}`);

process.once('SIGINT', async () => {
  const { drained, destroyed } = await reactor.shutdown();
  console.log(`${drained} left in order, ${destroyed} were cut off`);
});
