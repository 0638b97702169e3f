// See tls_context.h. This file is the JavaScript class; tls_context_builder.cc builds what it
// holds.
#include "tls_context.h"

#include <utility>

#include "session_counts.h"
#include "tls_peer.h"
#include "tls_resumption.h"

namespace sluice {

namespace {

// Random, to be found on objects of this class and no other addon's.
constexpr napi_type_tag kTypeTag = {0x5d1c'e77a'904b'4f2eULL, 0xa3b6'01c8'2f6d'9a57ULL};

// What the collector is told a context weighs: an SSL_CTX with its tables, and each trust anchor
// parsed.
constexpr int64_t kContextBytes = 64 * 1024;
constexpr int64_t kAnchorTextFactor = 4;

/// A core and its count: sessions and tables of names keep it alive beyond its JavaScript object,
/// and beyond the order in which an environment is torn down.
struct CountedCore {
  std::shared_ptr<Environment> environment;
  LiveCount live;
  std::shared_ptr<const TlsContextCore> core;
};

}  // namespace

Napi::Function TlsContext::Define(Napi::Env env, Environment& environment) {
  return DefineClass(
      env, "TlsContext",
      {CallProperty("certificateChains", MethodCallback<TlsContext, &TlsContext::CertificateChains>,
                    environment),
       CallProperty("sessionStats", MethodCallback<TlsContext, &TlsContext::SessionStats>,
                    environment)},
      &environment);
}

TlsContext* TlsContext::From(const Napi::Value& value) {
  bool tagged = false;
  if (!value.IsObject() ||
      napi_check_object_type_tag(value.Env(), value, &kTypeTag, &tagged) != napi_ok || !tagged) {
    return nullptr;
  }
  void* object = nullptr;
  return napi_unwrap(value.Env(), value, &object) == napi_ok ? static_cast<TlsContext*>(object)
                                                             : nullptr;
}

TlsContext::TlsContext(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TlsContext>(info),
      environment_(static_cast<Environment*>(info.Data())->shared_from_this()) {
  const Napi::Env env = info.Env();
  const TlsContextOptions options = TlsContextOptions::Read(info[0]);
  // Before the aggregate and not within: where a later member throws, GCC 10 does not destroy the
  // earlier ones (GCC's bug 66139).
  auto built = BuildTlsContext(env, options);
  const std::shared_ptr<CountedCore> counted(new CountedCore{
      environment_, LiveCount(environment_->live().tls_contexts), std::move(built)});
  core_ = std::shared_ptr<const TlsContextCore>(counted, counted->core.get());
  // Whoever keeps the context keeps the environment: by the counted core.
  if (options.server) WatchSessions(core_->context.get(), &environment_->tickets_issued());
  auto self = info.This().As<Napi::Object>();
  self.DefineProperty(Napi::PropertyDescriptor::Value(
      "role", Napi::String::New(env, options.server ? "server" : "client"), napi_enumerable));
  self.DefineProperty(Napi::PropertyDescriptor::Value(
      "kernelTls", Napi::Boolean::New(env, core_->kernel_tls != KernelTls::kOff), napi_enumerable));
  if (napi_type_tag_object(env, self, &kTypeTag) != napi_ok) throw Napi::Error::New(env);

  reported_bytes_ = kContextBytes;
  for (const std::string& pem : options.trust_anchors) {
    reported_bytes_ += static_cast<int64_t>(pem.size()) * kAnchorTextFactor;
  }
  Napi::MemoryManagement::AdjustExternalMemory(env, reported_bytes_);
}

napi_value TlsContext::SessionStats(const Arguments& arguments) {
  const Napi::Env env = arguments.env();
  return core_->client_sessions ? ClientSessionStats(env, core_->client_sessions->stats())
                                : ServerSessionStats(env, core_->context.get());
}

TlsContext::~TlsContext() {
  if (reported_bytes_ != 0) Napi::MemoryManagement::AdjustExternalMemory(Env(), -reported_bytes_);
}

napi_value TlsContext::CertificateChains(const Arguments& arguments) {
  const Napi::Env env = arguments.env();
  Napi::Array chains = Napi::Array::New(env);
  for (const LoadedIdentity& identity : core_->identities) {
    Napi::Array chain = Napi::Array::New(env);
    for (const X509Ptr& certificate : identity.chain) AppendDer(env, chain, certificate.get());
    chains.Set(chains.Length(), chain);
  }
  return chains;
}

}  // namespace sluice
