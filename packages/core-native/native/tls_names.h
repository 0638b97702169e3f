// Server names and the contexts that serve them (`NativeTlsNames` of src/contract.ts). Rule: a
// lookup allocates nothing and throws nothing, for it runs inside OpenSSL's handshake.
#pragma once

#include <napi.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "arguments.h"
#include "environment.h"
#include "tls_context.h"

namespace sluice {

class NameTable {
 public:
  /// `pattern` is a name or `*.` and a name, in lower case and without a trailing dot.
  void Set(std::string_view pattern, std::shared_ptr<const TlsContextCore> core);
  bool Remove(std::string_view pattern);
  /// What serves `servername` as a client wrote it: its own entry, or the one for its parent's
  /// names. Null when there is neither.
  std::shared_ptr<const TlsContextCore> Find(std::string_view servername) const noexcept;

 private:
  using Entries = std::map<std::string, std::shared_ptr<const TlsContextCore>, std::less<>>;

  Entries& EntriesOf(std::string_view& pattern);

  Entries exact_;
  /// By what stands behind `*.`.
  Entries wildcards_;
};

class TlsNames final : public Napi::ObjectWrap<TlsNames> {
 public:
  static Napi::Function Define(Napi::Env env, Environment& environment);
  /// The table of the object that `value` is, by type tag; null for anything else.
  static std::shared_ptr<const NameTable> From(const Napi::Value& value);

  explicit TlsNames(const Napi::CallbackInfo& info);

 private:
  napi_value Set(const Arguments& arguments);
  napi_value Remove(const Arguments& arguments);

  /// Sessions share it: a change holds for every handshake that has not chosen yet.
  std::shared_ptr<NameTable> table_ = std::make_shared<NameTable>();
};

}  // namespace sluice
