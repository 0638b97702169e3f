// Arguments of a native call, checked. Rule: what does not fit is a TypeError or RangeError that
// names the argument; nothing is coerced, and no address leaves a view that was not checked against
// its length in the same call.
//
// Calls go through the C interface of Node-API with a fixed array. Measured with the four arguments
// of recv and no system call: 70 ns so, 100 ns through napi.h's CallbackInfo.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

class Environment;

/// A checked part of a JavaScript buffer, valid during the call only; never longer than kMaxCount,
/// where it is not Whole.
struct ByteRange {
  uint8_t* data;
  size_t length;
};

/// The elements of an Int32Array, valid during the call only.
struct IntegerTable {
  int32_t* data;
  size_t length;
};

class Arguments {
 public:
  static constexpr size_t kMax = 7;

  Arguments(napi_env env, napi_callback_info info);

  napi_env env() const { return env_; }
  Environment& environment() const { return *static_cast<Environment*>(data_); }
  Napi::Value operator[](size_t index) const { return {env_, values_[index]}; }

  int32_t Int(size_t index, const char* name, int32_t low, int32_t high) const;
  int Descriptor(size_t index) const { return Int(index, "fd", 0, INT32_MAX); }
  bool Boolean(size_t index, const char* name) const;
  std::string Text(size_t index, const char* name) const;
  /// A copy of a Uint8Array, which may be empty.
  std::string Octets(size_t index, const char* name) const;
  /// `buffer`, `offset`, `length` from `first` on. A zero length is misuse: recv(2) answers 0 for
  /// it, which would read as the end of the stream, and OpenSSL leaves a write of nothing undefined
  /// (SSL_write(3)).
  ByteRange Bytes(size_t first) const;
  /// All of a Uint8Array.
  ByteRange Whole(size_t index) const;
  /// All of an Int32Array.
  IntegerTable Integers(size_t index, const char* name) const;
  /// An integer from 0 to 2^53 - 1: an offset, or a length.
  size_t Size(size_t index, const char* name) const;
  /// A zero length is misuse, for the reasons that Bytes has.
  [[noreturn]] void ThrowNothingToMove() const;
  [[noreturn]] void ThrowOutOfRange(const std::string& message) const;

  /// The native object behind `this`. V8 itself refuses a receiver that the class did not make
  /// (napi_define_class gives each method a v8::Signature); what is left to fail here is an object
  /// whose constructor threw.
  template <typename T>
  T& Receiver() const {
    void* object = nullptr;
    if (napi_unwrap(env_, receiver_, &object) != napi_ok) ThrowReceiver();
    return *static_cast<T*>(object);
  }

 private:
  [[noreturn]] void ThrowReceiver() const;

  napi_env env_;
  napi_value receiver_ = nullptr;
  void* data_ = nullptr;
  napi_value values_[kMax];
};

/// Turns `napi_value Function(const Arguments&)` into a Node-API callback; a thrown Napi::Error
/// becomes JavaScript's.
template <auto Function>
napi_value FunctionCallback(napi_env env, napi_callback_info info) {
  try {
    return Function(Arguments(env, info));
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
    return nullptr;
  }
}

/// The same for `napi_value T::Method(const Arguments&)`.
template <typename T, auto Method>
napi_value MethodCallback(napi_env env, napi_callback_info info) {
  try {
    const Arguments arguments(env, info);
    return (arguments.Receiver<T>().*Method)(arguments);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
    return nullptr;
  }
}

/// A method of a class, or a call to export; its callback is made by one of the two above.
napi_property_descriptor CallProperty(const char* name, napi_callback callback,
                                      Environment& environment);

/// Puts `calls` on the exports, where they can be listed and, by a test, replaced.
void ExportCalls(Napi::Env env, Napi::Object exports, std::vector<napi_property_descriptor> calls);

napi_value Integer(napi_env env, int32_t value);
napi_value Undefined(napi_env env);

}  // namespace sluice
