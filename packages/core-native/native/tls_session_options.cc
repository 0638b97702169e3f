// How a TLS session is set up, and what it is asked about its peer (tls_session.h). Rule: nothing
// here moves a byte.
#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <string>
#include <utility>

#include "alpn.h"
#include "session_counts.h"
#include "tls_names.h"
#include "tls_peer.h"
#include "tls_session.h"

namespace sluice {

namespace {

bool IsNumericAddress(const std::string& name) {
  unsigned char parsed[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), parsed) == 1 ||
         inet_pton(AF_INET6, name.c_str(), parsed) == 1;
}

/// RFC 9525: names are DNS-IDs of the subjectAltName, the common name never counts, and a wildcard
/// is a whole label.
bool ExpectName(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (IsNumericAddress(name)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  // Certificates carry no trailing dot (RFC 5280 section 4.2.1.6).
  const size_t length = name.back() == '.' ? name.size() - 1 : name.size();
  // With a length of 0 the function would clear the expectation instead of refusing it.
  return length > 0 && X509_VERIFY_PARAM_set1_host(parameters, name.data(), length) == 1;
}

/// Names with their lengths in front, as on the wire; empty when none are given.
std::vector<unsigned char> ReadAlpn(Napi::Env env, const Napi::Object& options) {
  const Napi::Value alpn = options.Get("alpn");
  if (alpn.IsUndefined()) return {};
  if (!alpn.IsBuffer()) throw Napi::TypeError::New(env, "\"alpn\" must be a Buffer");
  const auto wire = alpn.As<Napi::Buffer<unsigned char>>();
  return {wire.Data(), wire.Data() + wire.Length()};
}

}  // namespace

void TlsSession::Configure(Napi::Env env, const Napi::Value& options) {
  if (options.IsUndefined() && !core_->chooser) {
    if (core_->server) AwaitEarlyData(core_->max_early_data > 0);
    return;
  }
  if (!options.IsObject()) throw Napi::TypeError::New(env, "\"options\" must be an object");
  const auto object = options.As<Napi::Object>();
  Feed(env, object.Get("head"));
  return core_->server ? ConfigureServer(env, object) : ConfigureClient(env, object);
}

void TlsSession::ConfigureServer(Napi::Env env, const Napi::Object& options) {
  const Napi::Value names = options.Get("names");
  std::shared_ptr<const NameTable> table = TlsNames::From(names);
  if (!table && !names.IsUndefined()) throw Napi::TypeError::New(env, "\"names\" must be TlsNames");
  alpn_ = ReadAlpn(env, options);
  const Napi::Value early = options.Get("earlyData");
  const bool takes_early =
      early.IsUndefined() ? core_->max_early_data > 0 : early.ToBoolean().Value();
  AwaitEarlyData(takes_early);
  hello_ = std::make_unique<HelloChoice>(
      core_, std::move(table),
      HelloChoice::Manner{options.Get("suspends").ToBoolean().Value(), takes_early});
  if (!hello_->Attach(ssl_.get()) || (!alpn_.empty() && !OfferAlpn(ssl_.get(), &alpn_)))
    ThrowTlsOption(env, "ERR_TLS_OPTION", "OpenSSL made no session");
  if (!options.Get("keyLog").ToBoolean().Value()) return;
  WriteKeyLogs(core_->context.get());
  SetKeyLog(ssl_.get(), &key_log_);
}

void TlsSession::ConfigureClient(Napi::Env env, const Napi::Object& options) {
  const std::optional<std::string> servername = ReadText(options, "servername");
  const std::optional<std::string> verify_name = ReadText(options, "verifyName");
  if (servername) {
    // Literal addresses are not permitted in SNI (RFC 6066 section 3), and some servers refuse
    // them.
    if (IsNumericAddress(*servername) || servername->find('\0') != std::string::npos ||
        servername->empty() || SSL_set_tlsext_host_name(ssl_.get(), servername->c_str()) != 1) {
      ThrowTlsOption(env, "ERR_TLS_OPTION",
                     "\"servername\" must be a DNS name of 1 to 255 bytes; an address goes into "
                     "\"verifyName\" only");
    }
  }
  if (verify_name && (verify_name->empty() || !ExpectName(ssl_.get(), *verify_name))) {
    ThrowTlsOption(env, "ERR_TLS_OPTION",
                   "\"verifyName\" must be a DNS name or a numeric IP address");
  }
  const std::vector<unsigned char> alpn = ReadAlpn(env, options);
  // 0 is success here (SSL_set_alpn_protos(3)).
  if (!alpn.empty() && core_->alpn.empty() &&
      SSL_set_alpn_protos(ssl_.get(), alpn.data(), static_cast<unsigned int>(alpn.size())) != 0)
    ThrowTlsOption(env, "ERR_TLS_OPTION", "\"alpn\" was refused");
  resumption_.emplace(ssl_.get(), core_->client_sessions.get());
  resumption_->Configure(options, *core_);
  if (options.Get("earlyData").ToBoolean().Value()) OfferEarlyData(alpn);
}

void TlsSession::Feed(Napi::Env env, const Napi::Value& head) {
  if (head.IsUndefined()) return;
  if (!head.IsTypedArray() || head.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    throw Napi::TypeError::New(env, "\"head\" must be a Uint8Array");
  const auto bytes = head.As<Napi::Uint8Array>();
  socket_->Feed(bytes.Data(), bytes.ByteLength());
}

napi_value TlsSession::Info(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  // A server has settled everything before it reads what came early.
  if (!IsHandshaken() && early_ != Early::kReading && early_ != Early::kFinishing) {
    throw Napi::Error::New(arguments.env(),
                           "The handshake is not complete: there is nothing settled to tell");
  }
  Napi::Object info = TlsInfo(arguments.env(), ssl_.get(), IsResumed());
  info.Set("kernelTls", KernelTlsOf(arguments.env()));
  return info;
}

napi_value TlsSession::PeerCertificates(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return TlsPeerCertificates(arguments.env(), ssl_.get());
}

napi_value TlsSession::VerifyResult(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return TlsVerifyResult(arguments.env(), ssl_.get());
}

napi_value TlsSession::Alerts(const Arguments& arguments) {
  const Napi::Object alerts = Napi::Object::New(arguments.env());
  if (alert_sent_ >= 0) alerts.Set("sent", alert_sent_);
  if (alert_received_ >= 0) alerts.Set("received", alert_received_);
  return alerts;
}

napi_value TlsSession::Resumed(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return Napi::Boolean::New(arguments.env(), IsResumed());
}

napi_value TlsSession::Resumption(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const char* name = ResumptionName(ResumptionOf(ssl_.get(), used_psk_));
  if (name == nullptr) return Undefined(arguments.env());
  return Napi::String::New(arguments.env(), name);
}

napi_value TlsSession::EarlyDataOutcome(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return Napi::String::New(arguments.env(), TlsEarlyData(ssl_.get()));
}

napi_value TlsSession::ClientHello(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  if (!hello_ || !hello_->suspended()) return Undefined(arguments.env());
  const std::vector<uint8_t>& message = hello_->message();
  return Napi::Buffer<uint8_t>::Copy(arguments.env(), message.data(), message.size());
}

napi_value TlsSession::ChooseContext(const Arguments& arguments) {
  HelloChoice& choice = AwaitedChoice(arguments.env());
  if (arguments[0].IsUndefined()) {
    choice.Choose(nullptr);
    return Undefined(arguments.env());
  }
  const TlsContext* context = TlsContext::From(arguments[0]);
  if (context == nullptr || !context->core()->server) {
    throw Napi::TypeError::New(arguments.env(), "\"context\" must be a server's TlsContext");
  }
  choice.Choose(context->core());
  return Undefined(arguments.env());
}

napi_value TlsSession::RefuseHello(const Arguments& arguments) {
  AwaitedChoice(arguments.env()).Refuse(arguments.Int(0, "alert", 0, 255));
  return Undefined(arguments.env());
}

HelloChoice& TlsSession::AwaitedChoice(napi_env env) const {
  ThrowIfClosed(env);
  if (hello_ && hello_->suspended()) return *hello_;
  throw Napi::Error::New(env, "The handshake is not suspended: there is nothing to answer");
}

}  // namespace sluice
