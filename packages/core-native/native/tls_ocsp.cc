// See tls_ocsp.h.
#include "tls_ocsp.h"

#include <openssl/crypto.h>
#include <openssl/ocsp.h>

#include <algorithm>
#include <string>

namespace sluice {

namespace {

OcspBasicPtr ParseStaple(const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
  if (!response || OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return nullptr;
  }
  return OcspBasicPtr(OCSP_response_get1_basic(response.get()));
}

/// By serial number: the issuer, which a full check needs, may be missing from the chain.
bool IsAbout(OCSP_BASICRESP* response, X509* certificate) {
  for (int index = 0; index < OCSP_resp_count(response); ++index) {
    // Not const in OpenSSL, though it only reads (OCSP_id_get0_info(3)).
    auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(OCSP_resp_get0(response, index)));
    ASN1_INTEGER* serial = nullptr;
    if (OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, id) != 1) continue;
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0) return true;
  }
  return false;
}

/// Called when the certificate has been chosen (SSL_CTX_set_tlsext_status_cb(3)).
int ServeStaple(SSL* ssl, void* data) {
  const auto& identities = *static_cast<const std::vector<LoadedIdentity>*>(data);
  const X509* chosen = SSL_get_certificate(ssl);
  const auto found = std::find_if(identities.begin(), identities.end(), [&](const auto& identity) {
    return identity.chain.front().get() == chosen;
  });
  if (found == identities.end() || found->ocsp_staple.empty()) return SSL_TLSEXT_ERR_NOACK;
  const std::string& staple = found->ocsp_staple;
  BytesPtr copy(static_cast<unsigned char*>(OPENSSL_memdup(staple.data(), staple.size())));
  // Out of memory: the handshake can go on as if there were no staple.
  if (!copy ||
      SSL_set_tlsext_status_ocsp_resp(ssl, copy.get(), static_cast<int>(staple.size())) != 1) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  // The session owns it from here on.
  copy.release();
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void CheckStaple(Napi::Env env, const IdentityOptions& options, X509* leaf) {
  if (!options.ocsp_staple) return;
  const std::string name = options.Quoted("ocspStaple");
  const OcspBasicPtr response = ParseStaple(*options.ocsp_staple);
  if (!response) {
    ThrowTlsOption(env, "ERR_TLS_OCSP_STAPLE",
                   name + " is not the DER of a successful OCSP response");
  }
  if (IsAbout(response.get(), leaf)) return;
  ThrowTlsOption(env, "ERR_TLS_OCSP_STAPLE", name + " is about another certificate");
}

void ServeStaples(SSL_CTX* context, const std::vector<LoadedIdentity>* identities) {
  const auto has_staple = [](const LoadedIdentity& identity) {
    return !identity.ocsp_staple.empty();
  };
  if (std::none_of(identities->begin(), identities->end(), has_staple)) return;
  SSL_CTX_set_tlsext_status_cb(context, ServeStaple);
  SSL_CTX_set_tlsext_status_arg(context, const_cast<std::vector<LoadedIdentity>*>(identities));
}

void RequestStaple(SSL_CTX* context) {
  SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
}

Napi::Value ReceivedStaple(Napi::Env env, SSL* ssl) {
  if (SSL_is_server(ssl)) return env.Undefined();
  const unsigned char* staple = nullptr;
  const long length = SSL_get_tlsext_status_ocsp_resp(ssl, &staple);
  if (staple == nullptr || length <= 0) return env.Undefined();
  return Napi::Buffer<unsigned char>::Copy(env, staple, static_cast<size_t>(length));
}

}  // namespace sluice
