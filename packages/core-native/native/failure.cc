// See failure.h.
#include "failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <uv.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace sluice {

namespace {

void FormatLine(std::array<char, ErrorStack::kLineLength>& line, unsigned long code,
                const char* function, const char* data) {
  const char* library = ERR_lib_error_string(code);
  // System errors carry an errno instead of a reason number and have no reason string
  // (ERR_GET_REASON(3)).
  const std::string reason = ERR_SYSTEM_ERROR(code)
                                 ? std::generic_category().message(ERR_GET_REASON(code))
                                 : std::string();
  const char* text = reason.empty() ? ERR_reason_error_string(code) : reason.c_str();
  const bool has_data = data != nullptr && data[0] != '\0';
  std::snprintf(line.data(), line.size(), "%s: %s: %s%s%s", library ? library : "OpenSSL",
                function && function[0] ? function : "?", text ? text : "unknown reason",
                has_data ? ": " : "", has_data ? data : "");
}

}  // namespace

ErrorStack ErrorStack::Drain() {
  ErrorStack stack;
  const char* function = nullptr;
  const char* data = nullptr;
  int flags = 0;
  while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, &function, &data, &flags)) {
    if (stack.first == 0) stack.first = code;
    if (stack.depth == kDepth) continue;
    FormatLine(stack.lines[stack.depth++], code, function,
               (flags & ERR_TXT_STRING) ? data : nullptr);
  }
  return stack;
}

std::string ErrorStack::Reason() const {
  if (first == 0) return {};
  if (ERR_SYSTEM_ERROR(first)) return std::generic_category().message(ERR_GET_REASON(first));
  const char* reason = ERR_reason_error_string(first);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(first);
}

Napi::Array ErrorStack::ToArray(Napi::Env env) const {
  Napi::Array array = Napi::Array::New(env, depth);
  for (size_t index = 0; index < depth; ++index) {
    array.Set(static_cast<uint32_t>(index), Napi::String::New(env, lines[index].data()));
  }
  return array;
}

Failure Failure::System(int error_number, const char* call, std::string_view detail) {
  Failure failure = Tls(call, detail);
  failure.kind = Kind::kSystem;
  failure.error_number = error_number;
  return failure;
}

Failure Failure::Tls(const char* call, std::string_view detail) {
  Failure failure;
  failure.kind = Kind::kTls;
  failure.call = call;
  failure.Explain(detail);
  return failure;
}

void Failure::Explain(std::string_view words) {
  const size_t length = std::min(words.size(), detail.size() - 1);
  std::copy_n(words.data(), length, detail.data());
}

Failure Failure::Truncated(const char* call) {
  Failure failure;
  failure.kind = Kind::kTruncated;
  failure.call = call;
  return failure;
}

std::string Failure::Reason() const {
  if (detail[0] != '\0') return detail.data();
  if (kind == Kind::kTruncated) return "the peer closed TCP without close_notify";
  std::string reason = errors.Reason();
  if (!reason.empty()) return reason;
  return error_number != 0 ? std::generic_category().message(error_number) : "";
}

Napi::Object Failure::ToObject(Napi::Env env) const {
  static constexpr const char* kKinds[] = {"system", "tls", "truncated"};
  // System errors in OpenSSL's queue have an errno where the reason number would be; `errno`
  // already tells it.
  const bool has_numbers = errors.first != 0 && !ERR_SYSTEM_ERROR(errors.first);
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", kKinds[static_cast<size_t>(kind)]);
  object.Set("errno", error_number);
  object.Set("code", ErrorName(error_number));
  object.Set("call", call);
  object.Set("reason", Reason());
  object.Set("library", has_numbers ? ERR_GET_LIB(errors.first) : 0);
  object.Set("reasonCode", has_numbers ? ERR_GET_REASON(errors.first) : 0);
  object.Set("stack", errors.ToArray(env));
  return object;
}

Napi::Error Failure::ToError(Napi::Env env) const {
  const std::string code = ErrorName(error_number);
  Napi::Error error =
      Napi::Error::New(env, std::string(call) + " failed: " + code + ", " + Reason());
  error.Set("code", code);
  error.Set("errno", static_cast<double>(error_number));
  error.Set("call", call);
  error.Set("reason", Reason());
  return error;
}

std::string ErrorName(int error_number) {
  if (error_number == 0) return {};
  char name[64];
  uv_err_name_r(-error_number, name, sizeof(name));
  // libuv does not know every errno of Linux and answers a sentence for those.
  if (std::strncmp(name, "Unknown", 7) == 0) return "E" + std::to_string(error_number);
  return name;
}

}  // namespace sluice
