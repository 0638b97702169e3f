/** `@sluice/http-lite`: HTTP/1.1 for servers. Everything public is named here, and nothing else is. */
export type { RequestBody } from './body.ts';
export {
  HTTP_REQUEST_ERROR_STATUS,
  HttpPeerError,
  type HttpPeerErrorCode,
  HttpRequestError,
  type HttpRequestErrorCode,
  type HttpRequestErrorOptions,
  HttpUsageError,
  type HttpUsageErrorCode,
} from './errors.ts';
export { type FetchContext, type FetchHandler, fetchHandler } from './fetch-handler.ts';
export { fileErrorStatus } from './file-error-status.ts';
export { type FileResponseInit, fileResponse } from './file-response.ts';
export type { HttpHeaders } from './headers.ts';
export { type HttpProtocol, http } from './http.ts';
export type { HttpStats } from './http-counters.ts';
export type { HttpHandler, HttpOptions } from './http-settings.ts';
export type { HttpState } from './http-state.ts';
export type { InterimFields } from './interim-response.ts';
export { LightResponse } from './light-response.ts';
export { DEFAULT_HTTP_LIMITS, type HttpLimitName, type HttpLimits } from './limits.ts';
export type { HttpUpgradeOptions } from './protocol-switch.ts';
export type { HttpRequest } from './request.ts';
export type { FileAnswerOptions, HttpResponse } from './response-contract.ts';
export { statusText } from './status-text.ts';
