// See arguments.h.
#include "arguments.h"

#include <algorithm>

#include "status.h"

namespace sluice {

namespace {

[[noreturn]] void ThrowType(napi_env env, const char* name, const char* wanted) {
  Napi::TypeError error =
      Napi::TypeError::New(env, std::string("\"") + name + "\" must be " + wanted);
  error.Set("code", "ERR_INVALID_ARG_TYPE");
  throw error;
}

[[noreturn]] void ThrowRange(napi_env env, const std::string& message) {
  Napi::RangeError error = Napi::RangeError::New(env, message);
  error.Set("code", "ERR_OUT_OF_RANGE");
  throw error;
}

}  // namespace

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  size_t count = kMax;
  // Cannot fail with these arguments; missing ones are filled with undefined.
  napi_get_cb_info(env, info, &count, values_, &receiver_, &data_);
}

int32_t Arguments::Int(size_t index, const char* name, int32_t low, int32_t high) const {
  // As a double: napi_get_value_int32 answers 0 for NaN and wraps what is too large, and 0 is a
  // valid descriptor.
  double value;
  if (napi_get_value_double(env_, values_[index], &value) != napi_ok)
    ThrowType(env_, name, "an integer");
  if (!(value >= low && value <= high) || value != static_cast<int32_t>(value)) {
    ThrowRange(env_, std::string("\"") + name + "\" must be an integer from " +
                         std::to_string(low) + " to " + std::to_string(high) +
                         "; received " + operator[](index).ToString().Utf8Value());
  }
  return static_cast<int32_t>(value);
}

bool Arguments::Boolean(size_t index, const char* name) const {
  bool value;
  if (napi_get_value_bool(env_, values_[index], &value) != napi_ok)
    ThrowType(env_, name, "a boolean");
  return value;
}

std::string Arguments::Text(size_t index, const char* name) const {
  const Napi::Value value = operator[](index);
  if (!value.IsString()) ThrowType(env_, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::string Arguments::Octets(size_t index, const char* name) const {
  const Napi::Value value = operator[](index);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    ThrowType(env_, name, "a Uint8Array");
  const auto bytes = value.As<Napi::Uint8Array>();
  return {reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()};
}

ByteRange Arguments::Whole(size_t index) const {
  napi_typedarray_type type;
  size_t length;
  void* data;
  // napi_get_buffer_info would be one check fewer, but aborts the process for what is not a view.
  if (napi_get_typedarray_info(env_, values_[index], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_uint8_array) {
    ThrowType(env_, "buffer", "a Uint8Array");
  }
  return {static_cast<uint8_t*>(data), length};
}

IntegerTable Arguments::Integers(size_t index, const char* name) const {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env_, values_[index], &type, &length, &data, nullptr, nullptr) !=
          napi_ok ||
      type != napi_int32_array) {
    ThrowType(env_, name, "an Int32Array");
  }
  return {static_cast<int32_t*>(data), length};
}

ByteRange Arguments::Bytes(size_t first) const {
  const ByteRange whole = Whole(first);
  const size_t offset = Size(first + 1, "offset");
  const size_t length = Size(first + 2, "length");
  if (length == 0) ThrowNothingToMove();
  if (offset > whole.length || length > whole.length - offset) {
    ThrowRange(env_, "\"offset\" " + std::to_string(offset) + " and \"length\" " +
                         std::to_string(length) + " reach beyond the buffer, which has " +
                         std::to_string(whole.length) + " bytes");
  }
  return {whole.data + offset, std::min<size_t>(length, kMaxCount)};
}

size_t Arguments::Size(size_t index, const char* name) const {
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  double value;
  if (napi_get_value_double(env_, values_[index], &value) != napi_ok)
    ThrowType(env_, name, "an integer");
  if (!(value >= 0 && value <= kMaxSafeInteger) ||
      value != static_cast<double>(static_cast<size_t>(value))) {
    ThrowRange(env_, std::string("\"") + name + "\" must be an integer of 0 or more; received " +
                                                operator[](index).ToString().Utf8Value());
  }
  return static_cast<size_t>(value);
}

void Arguments::ThrowNothingToMove() const {
  ThrowRange(env_, "\"length\" must be at least 1: nothing to move is nothing to call for");
}

void Arguments::ThrowOutOfRange(const std::string& message) const { ThrowRange(env_, message); }

void Arguments::ThrowReceiver() const {
  ThrowType(env_, "this", "an object that its own constructor made");
}

napi_property_descriptor CallProperty(const char* name, napi_callback callback,
                                      Environment& environment) {
  napi_property_descriptor property{};
  property.utf8name = name;
  property.method = callback;
  property.attributes = napi_default_method;
  property.data = &environment;
  return property;
}

void ExportCalls(Napi::Env env, Napi::Object exports, std::vector<napi_property_descriptor> calls) {
  for (napi_property_descriptor& call : calls) call.attributes = napi_default_jsproperty;
  if (napi_define_properties(env, exports, calls.size(), calls.data()) != napi_ok) {
    throw Napi::Error::New(env, "Node.js refused the calls of the Sluice addon");
  }
}

napi_value Integer(napi_env env, int32_t value) {
  napi_value result = nullptr;
  napi_create_int32(env, value, &result);
  return result;
}

napi_value Undefined(napi_env env) {
  napi_value result = nullptr;
  napi_get_undefined(env, &result);
  return result;
}

}  // namespace sluice
