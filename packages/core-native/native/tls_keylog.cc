// See tls_keylog.h.
#include "tls_keylog.h"

#include <openssl/crypto.h>

namespace sluice {

namespace {

int KeyLogIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void OnLine(const SSL* ssl, const char* line) noexcept {
  auto* log = static_cast<KeyLog*>(SSL_get_ex_data(ssl, KeyLogIndex()));
  if (log != nullptr) log->emplace_back(line);
}

}  // namespace

void WriteKeyLogs(SSL_CTX* context) { SSL_CTX_set_keylog_callback(context, OnLine); }

void SetKeyLog(SSL* ssl, KeyLog* log) { SSL_set_ex_data(ssl, KeyLogIndex(), log); }

Napi::Array TakeKeyLog(Napi::Env env, KeyLog& log) {
  Napi::Array lines = Napi::Array::New(env, log.size());
  for (uint32_t index = 0; index < log.size(); ++index) {
    lines.Set(index, log[index]);
    OPENSSL_cleanse(log[index].data(), log[index].size());
  }
  log.clear();
  return lines;
}

}  // namespace sluice
