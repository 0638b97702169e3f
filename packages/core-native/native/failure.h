// Why a call answered `failed`: plain data, so that recording one costs no allocation and
// JavaScript's object is only built when asked for. Rule: OpenSSL's error queue is emptied here at
// the moment of the failure; what is left in it would surface on another connection of this thread
// (ERR_get_error(3)).
#pragma once

#include <napi.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

/// OpenSSL's error queue, copied out. Its own strings die with the queue, hence the characters
/// here.
struct ErrorStack {
  static constexpr size_t kDepth = 8;
  static constexpr size_t kLineLength = 192;

  /// Packed code of the oldest entry, the cause; 0 when the queue was empty.
  unsigned long first = 0;
  size_t depth = 0;
  std::array<std::array<char, kLineLength>, kDepth> lines;

  /// Takes everything out of this thread's queue; entries beyond kDepth are dropped, newest first.
  static ErrorStack Drain();
  /// Reason of the first error ("certificate verify failed"), empty when there is none.
  std::string Reason() const;
  Napi::Array ToArray(Napi::Env env) const;
};

struct Failure {
  enum class Kind { kSystem, kTls, kTruncated };

  Kind kind = Kind::kSystem;
  int error_number = 0;
  /// System call or OpenSSL function; always a string literal.
  const char* call = "";
  /// Overrides strerror(3) where a better sentence is known.
  std::array<char, 160> detail{};
  ErrorStack errors{};

  static Failure System(int error_number, const char* call, std::string_view detail = {});

  /// Of our own making, where OpenSSL sees nothing wrong.
  static Failure Tls(const char* call, std::string_view detail);

  /// TCP's stream has ended, and TLS has not.
  static Failure Truncated(const char* call);

  /// Says it in better words than those of whoever failed.
  void Explain(std::string_view words);

  std::string Reason() const;
  Napi::Object ToObject(Napi::Env env) const;
  /// A JavaScript error with `code`, `errno`, `call` and `reason`, for calls that throw by
  /// contract.
  Napi::Error ToError(Napi::Env env) const;
};

/// Name of an errno value (`ECONNRESET`); empty for 0.
std::string ErrorName(int error_number);

}  // namespace sluice
