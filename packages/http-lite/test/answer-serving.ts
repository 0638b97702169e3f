/** A handler on a fake connection, asked at once; what it was answered with is looked at afterwards. */
import { type HttpHandler, http } from '@sluice/http-lite';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';

/** A request, its own fields in `lines`. */
export const get = (lines = '', version = '1.1', method = 'GET') =>
  `${method} / HTTP/${version}\r\n${version === '1.1' ? 'Host: a\r\n' : ''}${lines}\r\n`;

/** What `handler` answers on a fake connection to what is on the wire. */
export function serve(handler: HttpHandler, wire = get()) {
  const errors: unknown[] = [];
  const connection = new FakeConnection(http(handler, { onError: (error) => errors.push(error) }));
  connection.receive(wire);
  const method = wire.slice(0, wire.indexOf(' '));
  return {
    connection,
    errors,
    raw: () => connection.take(),
    answers: () => parseAnswers(connection.take(), [method]),
  };
}
