// See tls_peer.h.
#include "tls_peer.h"

#include "openssl_ptr.h"
#include "tls_ocsp.h"
#include "tls_psk.h"
#include "verify_names.h"

namespace sluice {

namespace {

Napi::Value TextOrUndefined(Napi::Env env, const char* text) {
  if (text == nullptr) return env.Undefined();
  return Napi::String::New(env, text);
}

Napi::Value Alpn(Napi::Env env, const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  if (length == 0) return env.Undefined();
  return Napi::String::New(env, reinterpret_cast<const char*>(name), length);
}

const char* Group(SSL* ssl) {
  // 0 when there was no key exchange by group: a resumption in TLS 1.2, for instance.
  const auto group = SSL_get_negotiated_group(ssl);
  return group != 0 ? SSL_group_to_name(ssl, group) : nullptr;
}

/// What the peer signed with, and how (RFC 8446 section 4.2.3): `ecdsa_secp256r1_sha256`. Null when
/// it signed nothing: a client without a certificate, a session resumed.
const char* PeerSignature(SSL* ssl) {
#ifdef SSL_get0_peer_signature_name
  const char* name = nullptr;
  return SSL_get0_peer_signature_name(ssl, &name) == 1 ? name : nullptr;
#else
  // Older libraries tell the kind of key only (SSL_get_peer_signature_type_nid(3)).
  int kind = NID_undef;
  return SSL_get_peer_signature_type_nid(ssl, &kind) == 1 ? OBJ_nid2sn(kind) : nullptr;
#endif
}

/// What a server of TLS 1.2 finds the session by (RFC 5246 section 7.3). With a ticket the id only
/// says that it was taken (RFC 5077 section 3.4), and TLS 1.3 has none.
Napi::Value SessionId(Napi::Env env, const SSL* ssl) {
  const SSL_SESSION* session = SSL_get_session(ssl);
  unsigned int length = 0;
  const unsigned char* id = session == nullptr ? nullptr : SSL_SESSION_get_id(session, &length);
  if (length == 0 || SSL_version(ssl) >= TLS1_3_VERSION || SSL_SESSION_has_ticket(session) == 1)
    return env.Undefined();
  return Napi::Buffer<unsigned char>::Copy(env, id, length);
}

}  // namespace

bool AppendDer(Napi::Env env, const Napi::Array& array, X509* certificate) {
  unsigned char* raw = nullptr;
  const int length = i2d_X509(certificate, &raw);
  if (length < 0) return false;
  const BytesPtr der(raw);
  array.Set(array.Length(),
            Napi::Buffer<unsigned char>::Copy(env, der.get(), static_cast<size_t>(length)));
  return true;
}

const char* TlsEarlyData(const SSL* ssl) {
  switch (SSL_get_early_data_status(ssl)) {
    case SSL_EARLY_DATA_ACCEPTED:
      return "accepted";
    case SSL_EARLY_DATA_REJECTED:
      return "rejected";
    default:
      return "none";
  }
}

Napi::Object TlsInfo(Napi::Env env, const SSL* ssl, bool resumed) {
  Napi::Object info = Napi::Object::New(env);
  info.Set("protocol", SSL_get_version(ssl));
  info.Set("cipher", TextOrUndefined(env, SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl))));
  info.Set("alpn", Alpn(env, ssl));
  info.Set("servername", TextOrUndefined(env, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)));
  info.Set("resumed", resumed);
  info.Set("earlyData", TlsEarlyData(ssl));
  info.Set("sessionId", SessionId(env, ssl));
  info.Set("group", TextOrUndefined(env, Group(const_cast<SSL*>(ssl))));
  info.Set("peerSignature", TextOrUndefined(env, PeerSignature(const_cast<SSL*>(ssl))));
  info.Set("ocspStaple", ReceivedStaple(env, const_cast<SSL*>(ssl)));
  // Without a certificate the result is X509_V_OK too (SSL_get_verify_result(3)).
  const bool presented = SSL_get0_peer_certificate(ssl) != nullptr;
  const std::optional<std::string> psk_identity = PskIdentityOf(ssl);
  info.Set("pskIdentity", psk_identity ? Napi::String::New(env, *psk_identity) : env.Undefined());
  // Who has the key is who it was given to.
  info.Set("authorized", psk_identity || (presented && SSL_get_verify_result(ssl) == X509_V_OK));
  info.Set("verification", presented ? TlsVerifyResult(env, ssl) : env.Undefined());
  return info;
}

Napi::Array TlsPeerCertificates(Napi::Env env, const SSL* ssl) {
  Napi::Array array = Napi::Array::New(env);
  const X509Ptr leaf(SSL_get1_peer_certificate(ssl));
  if (!leaf || !AppendDer(env, array, leaf.get())) return array;
  // A client's copy of the chain begins with the leaf, a server's does not
  // (SSL_get_peer_cert_chain(3)).
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int index = SSL_is_server(ssl) ? 0 : 1; index < sk_X509_num(chain); ++index) {
    if (!AppendDer(env, array, sk_X509_value(chain, index))) return array;
  }
  return array;
}

Napi::Object TlsVerifyResult(Napi::Env env, const SSL* ssl) {
  const long code = SSL_get_verify_result(ssl);
  Napi::Object result = Napi::Object::New(env);
  result.Set("ok", code == X509_V_OK);
  result.Set("name", VerifyName(code));
  result.Set("reason", X509_verify_cert_error_string(code));
  return result;
}

}  // namespace sluice
