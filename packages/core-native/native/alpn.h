// ALPN (RFC 7301): the protocol list on the wire, and the server's choice. Rule: the server's order
// decides, and no shared protocol is a fatal no_application_protocol alert (section 3.2), never a
// silent default.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace sluice {

/// Length-prefixed names, as the extension carries them. Empty when a name is not 1 to 255 bytes,
/// or the list too long.
std::vector<unsigned char> EncodeAlpn(const std::vector<std::string>& protocols);

/// Makes sessions of a server's `context` choose from `wire`, which must outlive them. Where it is
/// empty they choose from what OfferAlpn gave them; those that were given nothing negotiate
/// nothing.
void SelectAlpn(SSL_CTX* context, const std::vector<unsigned char>* wire);

/// What `ssl` chooses from when its context has no list; must outlive it. False for lack of memory.
bool OfferAlpn(SSL* ssl, const std::vector<unsigned char>* wire);

}  // namespace sluice
