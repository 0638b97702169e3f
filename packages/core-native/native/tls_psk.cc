// See tls_psk.h.
//
// In TLS 1.3 OpenSSL makes no difference between a session that is resumed and a key from outside:
// both are sessions. Which it was is written in the application data of the session, which goes
// along in its tickets (SSL_SESSION_set1_ticket_appdata(3)): a mark, and the identity.
#include "tls_psk.h"

#include <array>
#include <cstring>

#include "tls_context.h"

namespace sluice {

namespace {

// Shorter than this is a password (RFC 9257 section 6: at least 128 bits).
constexpr size_t kMinKeyBytes = 16;
constexpr size_t kMaxKeyBytes = PSK_MAX_PSK_LEN;
// The protocol has 65535 (RFC 8446 section 4.2.11); but an identity goes along in tickets, which
// have to fit into one message. In TLS 1.2: what every peer supports (RFC 4279 section 5.3).
constexpr size_t kMaxIdentityBytes = 4096;
constexpr size_t kMaxIdentityBytes12 = 128;

constexpr char kExternal = 'E';
constexpr char kResumable = 'R';

// By number (RFC 8446 appendix B.4); each stands for its hash.
constexpr unsigned char kAes128GcmSha256[] = {0x13, 0x01};
constexpr unsigned char kAes256GcmSha384[] = {0x13, 0x02};

/// Where a context keeps its core.
int Index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// The core of the context that serves `ssl` at this moment, which has keys; else null.
const TlsContextCore* CoreOf(const SSL* ssl) {
  const auto* core =
      static_cast<const TlsContextCore*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), Index()));
  return core != nullptr && core->psk ? core : nullptr;
}

std::string_view AppData(const SSL_SESSION* session) {
  void* data = nullptr;
  size_t length = 0;
  auto* asked = const_cast<SSL_SESSION*>(session);
  if (asked == nullptr || SSL_SESSION_get0_ticket_appdata(asked, &data, &length) != 1) return {};
  return {static_cast<const char*>(data), length};
}

bool Mark(SSL_SESSION* session, char mark, std::string_view identity) noexcept {
  std::array<char, 1 + kMaxIdentityBytes> data;
  data[0] = mark;
  // None is longer (CheckEntry).
  const size_t length = identity.copy(data.data() + 1, kMaxIdentityBytes);
  return SSL_SESSION_set1_ticket_appdata(session, data.data(), 1 + length) == 1;
}

/// The key as TLS 1.3 wants it; null for lack of memory.
SSL_SESSION* MakeSession(SSL* ssl, const TlsContextCore& core, std::string_view identity,
                         const SecretText& key) {
  SslSessionPtr session(SSL_SESSION_new());
  const SSL_CIPHER* cipher =
      SSL_CIPHER_find(ssl, core.psk->is_sha384() ? kAes256GcmSha384 : kAes128GcmSha256);
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.text().data());
  const auto* id = reinterpret_cast<const unsigned char*>(core.session_id_context.data());
  const auto id_length = static_cast<unsigned int>(core.session_id_context.size());
  const bool made =
      session && cipher != nullptr &&
      SSL_SESSION_set1_master_key(session.get(), bytes, key.text().size()) == 1 &&
      SSL_SESSION_set_cipher(session.get(), cipher) == 1 &&
      SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) == 1 &&
      // A client's: with that of another context OpenSSL would break off the handshake.
      SSL_SESSION_set1_id_context(session.get(), id, id_length) == 1 &&
      Mark(session.get(), kExternal, identity);
  return made ? session.release() : nullptr;
}

/// TLS 1.3, a server: asked about each identity that a client offers, tickets included.
int OnFindSession(SSL* ssl, const unsigned char* identity, size_t length,
                  SSL_SESSION** session) noexcept {
  *session = nullptr;
  const TlsContextCore* core = CoreOf(ssl);
  const std::string_view name(reinterpret_cast<const char*>(identity), length);
  const SecretText* key = core == nullptr ? nullptr : core->psk->Find(name);
  if (key == nullptr) return 1;
  *session = MakeSession(ssl, *core, name, *key);
  return *session == nullptr ? 0 : 1;
}

unsigned int CopyKey(const SecretText& key, unsigned char* to, unsigned int room) {
  if (key.text().size() > room) return 0;
  std::memcpy(to, key.text().data(), key.text().size());
  return static_cast<unsigned int>(key.text().size());
}

/// TLS 1.2, a server. OpenSSL also asks here in TLS 1.3 when nobody else knew the identity, which
/// it has cut off at its first NUL.
unsigned int OnServerKey(SSL* ssl, const char* identity, unsigned char* to,
                         unsigned int room) noexcept {
  const TlsContextCore* core = CoreOf(ssl);
  if (core == nullptr || SSL_version(ssl) != TLS1_2_VERSION || identity == nullptr) return 0;
  const SecretText* key = core->psk->Find(identity);
  return key == nullptr ? 0 : CopyKey(*key, to, room);
}

/// TLS 1.3, a client. `digest` is what the key's hash has to be in a second ClientHello.
int OnUseSession(SSL* ssl, const EVP_MD* digest, const unsigned char** identity, size_t* length,
                 SSL_SESSION** session) noexcept {
  *session = nullptr;
  const TlsContextCore* core = CoreOf(ssl);
  if (core == nullptr) return 1;
  const PskKeys& psk = *core->psk;
  if (digest != nullptr && EVP_MD_is_a(digest, psk.is_sha384() ? "SHA384" : "SHA256") != 1)
    return 1;
  const std::string& name = psk.identity();
  *identity = reinterpret_cast<const unsigned char*>(name.data());
  *length = name.size();
  *session = MakeSession(ssl, *core, name, *psk.Find(name));
  return *session == nullptr ? 0 : 1;
}

/// TLS 1.2, a client. Asked in TLS 1.3 as well, where the one above offered nothing.
unsigned int OnClientKey(SSL* ssl, const char* /*hint*/, char* identity, unsigned int identity_room,
                         unsigned char* to, unsigned int room) noexcept {
  const TlsContextCore* core = CoreOf(ssl);
  if (core == nullptr || SSL_version(ssl) != TLS1_2_VERSION) return 0;
  const std::string& name = core->psk->identity();
  if (name.size() > identity_room) return 0;
  std::memcpy(identity, name.c_str(), name.size() + 1);
  return CopyKey(*core->psk->Find(name), to, room);
}

void CheckEntry(Napi::Env env, const PskEntry& entry, bool in_tls12) {
  const std::string& identity = entry.identity;
  const std::string name = "\"psk\" of the identity \"" + identity.substr(0, 64) + "\"";
  if (entry.key.text().size() < kMinKeyBytes || entry.key.text().size() > kMaxKeyBytes) {
    ThrowTlsOption(env, "ERR_TLS_PSK",
                   name + " has a key of " + std::to_string(entry.key.text().size()) +
                       " bytes instead of 16 to 512");
  }
  if (identity.empty() || identity.size() > kMaxIdentityBytes)
    ThrowTlsOption(env, "ERR_TLS_PSK", "\"psk\" has an identity that is not of 1 to 4096 bytes");
  const bool fits_tls12 =
      identity.size() <= kMaxIdentityBytes12 && identity.find('\0') == std::string::npos;
  if (!in_tls12 || fits_tls12) return;
  ThrowTlsOption(env, "ERR_TLS_PSK",
                 name +
                     " is not of 1 to 128 bytes without NUL, so TLS 1.2 cannot carry it and "
                     "\"minVersion\" has to be TLSv1.3");
}

}  // namespace

PskKeys::PskKeys(const PskOptions& options)
    : is_sha384_(options.is_sha384), is_required_(options.is_required) {
  for (const PskEntry& entry : options.entries)
    keys_.emplace(entry.identity, SecretText(entry.key.text()));
}

const SecretText* PskKeys::Find(std::string_view identity) const noexcept {
  const auto found = keys_.find(identity);
  return found == keys_.end() ? nullptr : &found->second;
}

void UsePsk(Napi::Env env, TlsContextCore& core, const TlsContextOptions& options) {
  if (!options.psk) return;
  const bool in_tls12 = options.UsesPskInTls12();
  if (options.psk->entries.empty()) ThrowTlsOption(env, "ERR_TLS_PSK", "\"psk\" has no key");
  for (const PskEntry& entry : options.psk->entries) CheckEntry(env, entry, in_tls12);
  core.psk = std::make_unique<const PskKeys>(*options.psk);
  SSL_CTX* context = core.context.get();
  if (SSL_CTX_set_ex_data(context, Index(), &core) != 1)
    ThrowTlsOption(env, "ERR_TLS_OPTION", "OpenSSL had no memory for \"psk\"");
  if (options.server) {
    SSL_CTX_set_psk_find_session_callback(context, OnFindSession);
    if (in_tls12) SSL_CTX_set_psk_server_callback(context, OnServerKey);
    return;
  }
  SSL_CTX_set_psk_use_session_callback(context, OnUseSession);
  if (in_tls12) SSL_CTX_set_psk_client_callback(context, OnClientKey);
}

void TakePsk(SSL* ssl, const TlsContextCore& to) {
  const bool in_tls12 = to.psk && !to.psk->is_sha384();
  SSL_set_psk_find_session_callback(ssl, to.psk ? OnFindSession : nullptr);
  SSL_set_psk_server_callback(ssl, in_tls12 ? OnServerKey : nullptr);
}

std::optional<std::string> PskIdentityOf(const SSL* ssl) {
  if (SSL_version(ssl) == TLS1_2_VERSION) {
    const char* identity = SSL_get_psk_identity(ssl);
    return identity == nullptr ? std::nullopt : std::optional<std::string>(identity);
  }
  const std::string_view data = AppData(SSL_get0_session(ssl));
  if (data.empty()) return std::nullopt;
  return std::string(data.substr(1));
}

bool IsMadeWithPsk(const SSL_SESSION* session) { return !AppData(session).empty(); }

bool SettlePsk(SSL* ssl) {
  if (SSL_version(ssl) == TLS1_2_VERSION)
    return SSL_get_psk_identity(ssl) != nullptr && SSL_session_reused(ssl) == 0;
  SSL_SESSION* session = SSL_get0_session(ssl);
  const std::string_view data = AppData(session);
  if (data.empty() || data.front() != kExternal) return false;
  // Without memory its tickets would tell of a full handshake, no more.
  Mark(session, kResumable, data.substr(1));
  return true;
}

}  // namespace sluice
