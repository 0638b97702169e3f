/** @sluice/create-protocol: what `npm create @sluice/protocol NAME` does, as a function. */
export { type CreatedProtocol, createProtocol } from './create-protocol.ts';
export { CreateError, type CreateErrorCode } from './errors.ts';
