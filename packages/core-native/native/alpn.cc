// See alpn.h.
#include "alpn.h"

namespace sluice {

namespace {

using Wire = std::vector<unsigned char>;

/// Where a session keeps its own list. One number for the process, made by whoever comes first.
int Index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// Only called when the client sent the extension; without it the handshake goes on without a
/// protocol.
int Select(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_length,
           const unsigned char* offered, unsigned int offered_length, void* data) {
  const auto* own = static_cast<const Wire*>(data);
  const auto* given = static_cast<const Wire*>(SSL_get_ex_data(ssl, Index()));
  if (own->empty() && given == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const Wire& wire = own->empty() ? *given : *own;
  unsigned char* found = nullptr;
  // The first list's order wins, and `found` points into it (SSL_select_next_proto(3)).
  const int outcome =
      SSL_select_next_proto(&found, chosen_length, wire.data(),
                            static_cast<unsigned int>(wire.size()), offered, offered_length);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::vector<unsigned char> EncodeAlpn(const std::vector<std::string>& protocols) {
  std::vector<unsigned char> wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return {};
    wire.push_back(static_cast<unsigned char>(protocol.size()));
    wire.insert(wire.end(), protocol.begin(), protocol.end());
  }
  if (wire.size() > 65535) return {};
  return wire;
}

void SelectAlpn(SSL_CTX* context, const std::vector<unsigned char>* wire) {
  SSL_CTX_set_alpn_select_cb(context, Select, const_cast<Wire*>(wire));
}

bool OfferAlpn(SSL* ssl, const std::vector<unsigned char>* wire) {
  return SSL_set_ex_data(ssl, Index(), const_cast<Wire*>(wire)) == 1;
}

}  // namespace sluice
