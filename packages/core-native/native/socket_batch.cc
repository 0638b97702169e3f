// See socket_batch.h.
#include "socket_batch.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "arguments.h"
#include "environment.h"
#include "retry.h"
#include "status.h"

namespace sluice {

namespace {

/// BATCH_FIELDS of the contract, in its order.
struct Entry {
  int32_t fd;
  int32_t offset;
  /// Replaced by errno when the outcome is kFailed.
  int32_t length;
  int32_t outcome;
};

/// Instead of a descriptor.
constexpr int32_t kLeftOut = -1;

struct Batch {
  Entry* entries;
  int32_t count;
  uint8_t* bytes;
};

/// The arguments: a table, how many of its entries are meant, and the memory that they are about.
Batch CheckedBatch(const Arguments& arguments) {
  const IntegerTable table = arguments.Integers(0, "table");
  const auto most = static_cast<int32_t>(table.length * sizeof(int32_t) / sizeof(Entry));
  const int32_t count = arguments.Int(1, "count", 0, most);
  const ByteRange memory = arguments.Whole(2);
  auto* entries = reinterpret_cast<Entry*>(table.data);
  for (const Entry* entry = entries; entry != entries + count; ++entry) {
    const bool fits =
        entry->offset >= 0 && entry->length > 0 &&
        static_cast<size_t>(entry->offset) + static_cast<size_t>(entry->length) <= memory.length;
    if (entry->fd >= kLeftOut && fits) continue;
    arguments.ThrowOutOfRange("Entry " + std::to_string(entry - entries) +
                              " of \"table\" must have a descriptor, or -1, and a part of the "
                              "buffer, which has " +
                              std::to_string(memory.length) + " bytes");
  }
  return {entries, count, memory.data};
}

template <typename Call>
napi_value ForEach(const Arguments& arguments, int32_t at_zero, Status at_block, Call call) {
  const Batch batch = CheckedBatch(arguments);
  for (Entry* entry = batch.entries; entry != batch.entries + batch.count; ++entry) {
    if (entry->fd == kLeftOut) continue;
    const ssize_t moved = RetryInterrupted(
        [&] { return call(entry->fd, batch.bytes + entry->offset, entry->length); });
    if (moved > 0) {
      entry->outcome = static_cast<int32_t>(moved);
    } else if (moved == 0) {
      entry->outcome = at_zero;
    } else if (WouldBlock(errno)) {
      entry->outcome = ToInt(at_block);
    } else {
      entry->length = errno;
      entry->outcome = ToInt(Status::kFailed);
    }
  }
  return Undefined(arguments.env());
}

napi_value ReceiveMany(const Arguments& arguments) {
  return ForEach(arguments, ToInt(Status::kEnded), Status::kWantsRead,
                 [](int fd, uint8_t* bytes, int32_t length) { return recv(fd, bytes, length, 0); });
}

napi_value SendMany(const Arguments& arguments) {
  return ForEach(arguments, 0, Status::kWantsWrite, [](int fd, uint8_t* bytes, int32_t length) {
    return send(fd, bytes, length, MSG_NOSIGNAL);
  });
}

napi_value FailAgain(const Arguments& arguments) {
  const int error = arguments.Int(0, "errno", 1, INT32_MAX);
  const char* call = arguments.Boolean(1, "isSend") ? "send" : "recv";
  return Integer(arguments.env(), arguments.environment().Fail(error, call));
}

}  // namespace

void DefineBatchCalls(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(env, exports,
              {
                  CallProperty("recvMany", FunctionCallback<ReceiveMany>, environment),
                  CallProperty("sendMany", FunctionCallback<SendMany>, environment),
                  CallProperty("failAgain", FunctionCallback<FailAgain>, environment),
              });
}

}  // namespace sluice
