export { type MyProtocolOptions, type MyProtocolState, myProtocol } from './my-protocol.ts';
