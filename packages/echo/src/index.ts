/** @sluice/echo: the reference protocol. */
export { type EchoState, echo } from './echo.ts';
