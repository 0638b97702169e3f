// See tls_options.h.
#include "tls_options.h"

#include <limits>
#include <utility>

#include "failure.h"

namespace sluice {

namespace {

// RFC 8446 section 4.6.1: a week at most.
constexpr int kMaxSessionSeconds = 7 * 24 * 60 * 60;
constexpr int kMaxCachedSessions = 1'000'000;
// Held in memory until a server has taken it, and by both sides trusted to nobody's freshness.
constexpr int kMaxEarlyBytes = 16 * 1024 * 1024;

[[noreturn]] void ThrowType(Napi::Env env, const std::string& name, const char* wanted) {
  Napi::TypeError error = Napi::TypeError::New(env, "\"" + name + "\" must be " + wanted);
  error.Set("code", "ERR_INVALID_ARG_TYPE");
  throw error;
}

bool IsBytes(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

std::string PemText(const Napi::Value& value, const std::string& name) {
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  if (!IsBytes(value)) ThrowType(value.Env(), name, "a string or a Uint8Array with PEM text");
  const auto bytes = value.As<Napi::Uint8Array>();
  return {reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()};
}

std::optional<std::string> ReadPem(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return std::nullopt;
  return PemText(value, name);
}

std::optional<SecretText> ToSecret(std::optional<std::string> text) {
  if (!text) return std::nullopt;
  return SecretText(std::move(*text));
}

bool ReadBoolean(const Napi::Object& options, const char* name, bool fallback) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return fallback;
  if (!value.IsBoolean()) ThrowType(options.Env(), name, "a boolean");
  return value.As<Napi::Boolean>();
}

std::optional<std::string> ReadBytes(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return std::nullopt;
  if (!IsBytes(value)) ThrowType(options.Env(), name, "a Uint8Array");
  const auto bytes = value.As<Napi::Uint8Array>();
  return std::string(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
}

int ReadInteger(const Napi::Object& options, const char* name, int fallback, int low, int high) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return fallback;
  if (!value.IsNumber()) ThrowType(options.Env(), name, "an integer");
  const double number = value.As<Napi::Number>();
  if (!(number >= low && number <= high) || number != static_cast<int>(number)) {
    ThrowTlsOption(options.Env(), "ERR_TLS_OPTION",
                   std::string("\"") + name + "\" must be an integer from " + std::to_string(low) +
                       " to " + std::to_string(high));
  }
  return static_cast<int>(number);
}

int ReadVersion(const Napi::Object& options, const char* name, int fallback) {
  const std::optional<std::string> text = ReadText(options, name);
  if (!text) return fallback;
  if (*text == "TLSv1.2") return TLS1_2_VERSION;
  if (*text == "TLSv1.3") return TLS1_3_VERSION;
  ThrowTlsOption(
      options.Env(), "ERR_TLS_OPTION",
      std::string("\"") + name + "\" must be TLSv1.2 or TLSv1.3; received \"" + *text + "\"");
}

bool ReadRole(const Napi::Object& options) {
  const Napi::Value role = options.Get("role");
  const std::string text = role.IsString() ? role.As<Napi::String>().Utf8Value() : "";
  if (text != "server" && text != "client")
    ThrowType(options.Env(), "role", "\"server\" or \"client\"");
  return text == "server";
}

/// Whether sessions go through shared buffers.
bool ReadBio(const Napi::Object& options) {
  const std::optional<std::string> text = ReadText(options, "bio");
  if (!text || *text == "shared") return true;
  if (*text == "socket") return false;
  ThrowTlsOption(options.Env(), "ERR_TLS_OPTION",
                 "\"bio\" must be shared or socket; received \"" + *text + "\"");
}

KernelTls ReadKernelTls(const Napi::Object& options) {
  const std::optional<std::string> text = ReadText(options, "kernelTls");
  if (!text || *text == "off") return KernelTls::kOff;
  if (*text == "send") return KernelTls::kSend;
  if (*text == "both") return KernelTls::kBoth;
  ThrowTlsOption(options.Env(), "ERR_TLS_OPTION",
                 "\"kernelTls\" must be off, send or both; received \"" + *text + "\"");
}

/// The kernel's sockets take records one by one (P40), and no second handshake.
void CheckKernelTls(const Napi::Object& options, const TlsContextOptions& read) {
  if (read.kernel_tls == KernelTls::kOff) return;
  if (ReadText(options, "bio") == "shared")
    ThrowTlsOption(options.Env(), "ERR_TLS_OPTION",
                   "\"kernelTls\" and \"bio\" shared exclude each other");
  if (read.renegotiations > 0)
    ThrowTlsOption(options.Env(), "ERR_TLS_OPTION",
                   "\"kernelTls\" and \"renegotiations\" exclude each other");
}

/// Whether the whole chain is looked up in CRLs.
bool ReadCrlCheck(const Napi::Object& options) {
  const std::optional<std::string> text = ReadText(options, "crlCheck");
  if (!text || *text == "leaf") return false;
  if (*text == "chain") return true;
  ThrowTlsOption(options.Env(), "ERR_TLS_OPTION",
                 "\"crlCheck\" must be leaf or chain; received \"" + *text + "\"");
}

/// The elements of an array option, each through `read`.
template <typename Read>
std::vector<std::string> ReadList(const Napi::Object& options, const char* name, Read read) {
  std::vector<std::string> list;
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return list;
  if (!value.IsArray()) ThrowType(options.Env(), name, "an array");
  const auto array = value.As<Napi::Array>();
  const uint32_t length = array.Length();
  for (uint32_t index = 0; index < length; ++index) {
    list.push_back(read(array.Get(index), std::string(name) + "[" + std::to_string(index) + "]"));
  }
  return list;
}

std::string PlainText(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) ThrowType(value.Env(), name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

IdentityOptions ReadIdentity(const Napi::Object& options, std::string path) {
  IdentityOptions identity;
  identity.path = std::move(path);
  identity.certificate_chain = ReadPem(options, "certificateChain");
  identity.private_key = ToSecret(ReadPem(options, "privateKey"));
  identity.passphrase = ToSecret(ReadText(options, "passphrase"));
  identity.pkcs12 = ToSecret(ReadBytes(options, "pkcs12"));
  identity.ocsp_staple = ReadBytes(options, "ocspStaple");
  return identity;
}

/// The one that stands among the other options first, where there is one.
std::vector<IdentityOptions> ReadIdentities(const Napi::Object& options) {
  std::vector<IdentityOptions> identities;
  IdentityOptions first = ReadIdentity(options, "");
  if (first.certificate_chain || first.private_key || first.pkcs12) {
    identities.push_back(std::move(first));
  }
  const Napi::Value value = options.Get("identities");
  if (value.IsUndefined()) return identities;
  if (!value.IsArray()) ThrowType(options.Env(), "identities", "an array");
  const auto array = value.As<Napi::Array>();
  for (uint32_t index = 0; index < array.Length(); ++index) {
    const std::string name = "identities[" + std::to_string(index) + "]";
    const Napi::Value element = array.Get(index);
    if (!element.IsObject()) ThrowType(options.Env(), name, "an object");
    identities.push_back(ReadIdentity(element.As<Napi::Object>(), name + "."));
  }
  return identities;
}

PskEntry ReadPskEntry(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) ThrowType(value.Env(), name, "an object");
  const auto object = value.As<Napi::Object>();
  const Napi::Value identity = object.Get("identity");
  const Napi::Value key = object.Get("key");
  if (!identity.IsString()) ThrowType(value.Env(), name + ".identity", "a string");
  if (!IsBytes(key)) ThrowType(value.Env(), name + ".key", "a Uint8Array");
  const auto bytes = key.As<Napi::Uint8Array>();
  return {
      identity.As<Napi::String>().Utf8Value(),
      SecretText({reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()}),
  };
}

std::optional<PskOptions> ReadPsk(const Napi::Object& options) {
  const Napi::Value value = options.Get("psk");
  if (value.IsUndefined()) return std::nullopt;
  if (!value.IsObject()) ThrowType(options.Env(), "psk", "an object");
  const auto object = value.As<Napi::Object>();
  const Napi::Value keys = object.Get("keys");
  if (!keys.IsArray()) ThrowType(options.Env(), "psk.keys", "an array");
  PskOptions psk;
  const auto array = keys.As<Napi::Array>();
  for (uint32_t index = 0; index < array.Length(); ++index)
    psk.entries.push_back(
        ReadPskEntry(array.Get(index), "psk.keys[" + std::to_string(index) + "]"));
  psk.is_sha384 = ReadBoolean(object, "sha384", false);
  psk.is_required = ReadBoolean(object, "required", false);
  return psk;
}

}  // namespace

TlsContextOptions TlsContextOptions::Read(const Napi::Value& value) {
  if (!value.IsObject()) ThrowType(value.Env(), "options", "an object");
  const auto object = value.As<Napi::Object>();
  TlsContextOptions options;
  options.server = ReadRole(object);
  options.identities = ReadIdentities(object);
  options.chooser = options.server && ReadBoolean(object, "chooser", false);
  options.trust_anchors = ReadList(object, "trustAnchors", PemText);
  options.crls = ReadList(object, "crls", PemText);
  options.crl_check_chain = ReadCrlCheck(object);
  options.verify_peer = ReadBoolean(object, "verifyPeer", false);
  options.kernel_tls = ReadKernelTls(object);
  options.shared_buffers = ReadBio(object) && options.kernel_tls == KernelTls::kOff;
  options.request_certificate = ReadBoolean(object, "requestCertificate", false);
  options.request_ocsp = ReadBoolean(object, "requestOcsp", false);
  options.security_level = ReadInteger(object, "securityLevel", options.security_level, 0, 5);
  options.min_version = ReadVersion(object, "minVersion", TLS1_2_VERSION);
  options.max_version = ReadVersion(object, "maxVersion", TLS1_3_VERSION);
  options.ciphers = ReadText(object, "ciphers");
  options.cipher_suites = ReadText(object, "cipherSuites");
  options.groups = ReadText(object, "groups");
  options.alpn = ReadList(object, "alpn", PlainText);
  options.session_id_context = ReadText(object, "sessionIdContext");
  options.tickets = ReadInteger(object, "tickets", options.tickets, 0, 16);
  options.session_timeout_seconds = ReadInteger(
      object, "sessionTimeoutSeconds", options.session_timeout_seconds, 1, kMaxSessionSeconds);
  options.key_log = ReadBoolean(object, "keyLog", false);
  options.psk = ReadPsk(object);
  options.renegotiations =
      ReadInteger(object, "renegotiations", 0, 0, std::numeric_limits<int>::max());
  options.renegotiation_window_ms =
      ReadInteger(object, "renegotiationWindowMs", options.renegotiation_window_ms, 1,
                  std::numeric_limits<int>::max());
  options.session_cache_size =
      ReadInteger(object, "sessionCacheSize", options.session_cache_size, 0, kMaxCachedSessions);
  options.max_early_data = ReadInteger(object, "maxEarlyData", 0, 0, kMaxEarlyBytes);
  CheckKernelTls(object, options);
  if (options.min_version > options.max_version) {
    ThrowTlsOption(value.Env(), "ERR_TLS_OPTION",
                   "\"minVersion\" is above \"maxVersion\": no version is left");
  }
  return options;
}

void ThrowTlsOption(Napi::Env env, const char* code, const std::string& message) {
  const ErrorStack errors = ErrorStack::Drain();
  const std::string reason = errors.Reason();
  Napi::Error error =
      Napi::Error::New(env, reason.empty() ? message : message + " (OpenSSL: " + reason + ")");
  error.Set("code", code);
  error.Set("reason", reason.empty() ? message : reason);
  error.Set("opensslStack", errors.ToArray(env));
  throw error;
}

std::optional<std::string> ReadText(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return std::nullopt;
  return PlainText(value, name);
}

}  // namespace sluice
