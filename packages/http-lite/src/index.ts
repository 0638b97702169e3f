/** `@sluice/http-lite`: HTTP/1.1 for servers. Everything public is named here, and nothing else is. */
export type { RequestBody } from './body.ts';
export {
  HttpPeerError,
  HttpRequestError,
  HttpUsageError,
  type PeerErrorCode,
  REQUEST_ERROR_STATUS,
  type RequestErrorCode,
  type UsageErrorCode,
} from './errors.ts';
export { fileErrorStatus } from './file-error-status.ts';
export type { HttpHeaders } from './headers.ts';
export { http } from './http.ts';
export type { Handler, HttpOptions } from './http-settings.ts';
export type { HttpState } from './http-state.ts';
export { DEFAULT_LIMITS, type HttpLimits } from './limits.ts';
export type { Request } from './request.ts';
export type { FileAnswerOptions, Response } from './response-contract.ts';
export { statusText } from './status-text.ts';
