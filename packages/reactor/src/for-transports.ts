/**
 * `@sluice/reactor/transport`: what authors of transports need beside the interfaces, and of packages that add something to
 * every connection.
 */
export { extendConnections } from './connection-extensions.ts';
export { endSocket, plain, sendFileFailure, socketFailure } from './plain-transport.ts';
export { NOT_BATCHED, type Progress, Status, type TransportFailure } from './transport.ts';
