// See tls_names.h.
#include "tls_names.h"

#include <array>
#include <cstddef>

namespace sluice {

namespace {

// Random, to be found on objects of this class and no other addon's.
constexpr napi_type_tag kTypeTag = {0x83f1'9c52'6d0e'4ab7ULL, 0xb6d4'27e9'15a8'c03fULL};

// RFC 1035 section 2.3.4: no name is longer.
constexpr size_t kMaxNameLength = 255;

char ToLower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
}

template <typename Entries>
std::shared_ptr<const TlsContextCore> Lookup(const Entries& entries, std::string_view key) {
  const auto found = entries.find(key);
  return found == entries.end() ? nullptr : found->second;
}

}  // namespace

NameTable::Entries& NameTable::EntriesOf(std::string_view& pattern) {
  if (!pattern.starts_with("*.")) return exact_;
  pattern.remove_prefix(2);
  return wildcards_;
}

void NameTable::Set(std::string_view pattern, std::shared_ptr<const TlsContextCore> core) {
  Entries& entries = EntriesOf(pattern);
  entries.insert_or_assign(std::string(pattern), std::move(core));
}

bool NameTable::Remove(std::string_view pattern) {
  Entries& entries = EntriesOf(pattern);
  return entries.erase(std::string(pattern)) != 0;
}

std::shared_ptr<const TlsContextCore> NameTable::Find(std::string_view servername) const noexcept {
  // RFC 6066 section 3: names compare without case and carry no trailing dot; some clients send it.
  if (servername.ends_with('.')) servername.remove_suffix(1);
  if (servername.empty() || servername.size() > kMaxNameLength) return nullptr;
  std::array<char, kMaxNameLength> buffer;
  for (size_t index = 0; index < servername.size(); ++index)
    buffer[index] = ToLower(servername[index]);
  const std::string_view name(buffer.data(), servername.size());
  if (auto core = Lookup(exact_, name)) return core;
  const size_t dot = name.find('.');
  // A wildcard stands for one label, which is there (RFC 9525 section 6.3).
  if (dot == 0 || dot == std::string_view::npos) return nullptr;
  return Lookup(wildcards_, name.substr(dot + 1));
}

Napi::Function TlsNames::Define(Napi::Env env, Environment& environment) {
  return DefineClass(
      env, "TlsNames",
      {CallProperty("set", MethodCallback<TlsNames, &TlsNames::Set>, environment),
       CallProperty("remove", MethodCallback<TlsNames, &TlsNames::Remove>, environment)},
      &environment);
}

std::shared_ptr<const NameTable> TlsNames::From(const Napi::Value& value) {
  bool tagged = false;
  void* object = nullptr;
  if (!value.IsObject() ||
      napi_check_object_type_tag(value.Env(), value, &kTypeTag, &tagged) != napi_ok || !tagged ||
      napi_unwrap(value.Env(), value, &object) != napi_ok) {
    return nullptr;
  }
  return static_cast<TlsNames*>(object)->table_;
}

TlsNames::TlsNames(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TlsNames>(info) {
  if (napi_type_tag_object(info.Env(), info.This(), &kTypeTag) != napi_ok)
    throw Napi::Error::New(info.Env());
}

napi_value TlsNames::Set(const Arguments& arguments) {
  const std::string pattern = arguments.Text(0, "pattern");
  const TlsContext* context = TlsContext::From(arguments[1]);
  if (context == nullptr || !context->core()->server) {
    throw Napi::TypeError::New(arguments.env(), "\"context\" must be a server's TlsContext");
  }
  table_->Set(pattern, context->core());
  return Undefined(arguments.env());
}

napi_value TlsNames::Remove(const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), table_->Remove(arguments.Text(0, "pattern")));
}

}  // namespace sluice
