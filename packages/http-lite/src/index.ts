/** `@sluice/http-lite`: HTTP/1.1 for servers. Everything public is named here, and nothing else is. */

export type { HttpState } from './connection/http-state.ts';
export type { HttpUpgradeOptions } from './connection/protocol-switch.ts';
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
export { type FetchContext, type FetchHandler, fetchHandler } from './fetch/fetch-handler.ts';
export { fileErrorStatus } from './files/file-error-status.ts';
export { type FileResponseInit, fileResponse } from './files/file-response.ts';
export { type HttpProtocol, http } from './http.ts';
export type { HttpStats } from './http-counters.ts';
export type { HttpHandler, HttpOptions } from './http-settings.ts';
export { DEFAULT_HTTP_LIMITS, type HttpLimitName, type HttpLimits } from './limits.ts';
export type { RequestBody } from './request/body.ts';
export type { HttpHeaders } from './request/headers.ts';
export type { HttpRequest } from './request/request.ts';
export type { InterimFields } from './response/interim-response.ts';
export { LightResponse } from './response/light-response.ts';
export type { FileAnswerOptions, HttpResponse } from './response/response-contract.ts';
export { statusText } from './response/status-text.ts';
