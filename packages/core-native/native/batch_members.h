// Who takes part in the batches of an environment beside plain sockets: TLS sessions. Rule: a
// handle is a number that no descriptor is, and is given to somebody else once its member has left;
// whoever closes a member forgets its handle first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arguments.h"

namespace sluice {

/// As `read` and `write` of the contract, without what these throw.
class BatchMember {
 public:
  virtual int32_t ReadInto(ByteRange range) = 0;
  virtual int32_t WriteFrom(ByteRange range) = 0;
  /// How many bytes a write must offer at least, a blocked one being retried.
  virtual size_t LeastWrite() const = 0;

 protected:
  ~BatchMember() = default;
};

class BatchMembers {
 public:
  /// Below every descriptor, and below -1, which leaves an entry out.
  static constexpr int32_t kFirst = -2;

  int32_t Add(BatchMember& member) {
    if (free_.empty()) {
      members_.push_back(&member);
      return kFirst - static_cast<int32_t>(members_.size() - 1);
    }
    const size_t index = free_.back();
    free_.pop_back();
    members_[index] = &member;
    return kFirst - static_cast<int32_t>(index);
  }

  void Remove(int32_t handle) {
    const auto index = static_cast<size_t>(kFirst - handle);
    members_[index] = nullptr;
    free_.push_back(index);
  }

  /// Null for a handle that nobody has.
  BatchMember* Find(int32_t handle) const {
    const auto index = static_cast<size_t>(static_cast<int64_t>(kFirst) - handle);
    return handle <= kFirst && index < members_.size() ? members_[index] : nullptr;
  }

 private:
  std::vector<BatchMember*> members_;
  std::vector<size_t> free_;
};

}  // namespace sluice
