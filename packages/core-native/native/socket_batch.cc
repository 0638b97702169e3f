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
  /// A descriptor, kLeftOut, or the handle of a member.
  int32_t source;
  int32_t offset;
  /// Of a socket, replaced by errno when the outcome is kFailed.
  int32_t length;
  int32_t outcome;
};

constexpr int32_t kLeftOut = -1;

struct Batch {
  Entry* entries;
  int32_t count;
  uint8_t* bytes;
};

bool IsSource(int32_t source, const BatchMembers& members) {
  return source >= kLeftOut || members.Find(source) != nullptr;
}

/// The arguments: a table, how many of its entries are meant, and the memory that they are about.
Batch CheckedBatch(const Arguments& arguments) {
  const IntegerTable table = arguments.Integers(0, "table");
  const auto most = static_cast<int32_t>(table.length * sizeof(int32_t) / sizeof(Entry));
  const int32_t count = arguments.Int(1, "count", 0, most);
  const ByteRange memory = arguments.Whole(2);
  auto* entries = reinterpret_cast<Entry*>(table.data);
  const BatchMembers& members = arguments.environment().batch_members();
  for (const Entry* entry = entries; entry != entries + count; ++entry) {
    const bool fits =
        entry->offset >= 0 && entry->length > 0 &&
        static_cast<size_t>(entry->offset) + static_cast<size_t>(entry->length) <= memory.length;
    if (fits && IsSource(entry->source, members)) continue;
    arguments.ThrowOutOfRange("Entry " + std::to_string(entry - entries) +
                              " of \"table\" must have a descriptor, a session's handle or -1, "
                              "and a part of the buffer, which has " +
                              std::to_string(memory.length) + " bytes");
  }
  return {entries, count, memory.data};
}

/// A blocked write of a session must be retried with as many bytes.
void CheckWrites(const Arguments& arguments, const Batch& batch) {
  for (const Entry* entry = batch.entries; entry != batch.entries + batch.count; ++entry) {
    const BatchMember* member = arguments.environment().batch_members().Find(entry->source);
    if (member == nullptr || static_cast<size_t>(entry->length) >= member->LeastWrite()) continue;
    arguments.ThrowOutOfRange("Entry " + std::to_string(entry - batch.entries) +
                              " of \"table\" retries a blocked write of " +
                              std::to_string(member->LeastWrite()) +
                              " bytes and must have at least as many");
  }
}

/// `at_socket` and `at_member` move the bytes of one entry.
template <typename AtSocket, typename AtMember>
napi_value ForEach(const Arguments& arguments, const Batch& batch, int32_t at_zero, Status at_block,
                   AtSocket at_socket, AtMember at_member) {
  const BatchMembers& members = arguments.environment().batch_members();
  for (Entry* entry = batch.entries; entry != batch.entries + batch.count; ++entry) {
    if (entry->source == kLeftOut) continue;
    uint8_t* const bytes = batch.bytes + entry->offset;
    const auto length = static_cast<size_t>(entry->length);
    if (BatchMember* const member = members.Find(entry->source)) {
      entry->outcome = at_member(*member, ByteRange{bytes, length});
      continue;
    }
    const ssize_t moved = RetryInterrupted([&] { return at_socket(entry->source, bytes, length); });
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
  return ForEach(
      arguments, CheckedBatch(arguments), ToInt(Status::kEnded), Status::kWantsRead,
      [](int fd, uint8_t* bytes, size_t length) { return recv(fd, bytes, length, 0); },
      [](BatchMember& member, ByteRange range) { return member.ReadInto(range); });
}

napi_value SendMany(const Arguments& arguments) {
  const Batch batch = CheckedBatch(arguments);
  CheckWrites(arguments, batch);
  return ForEach(
      arguments, batch, 0, Status::kWantsWrite,
      [](int fd, uint8_t* bytes, size_t length) { return send(fd, bytes, length, MSG_NOSIGNAL); },
      [](BatchMember& member, ByteRange range) { return member.WriteFrom(range); });
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
