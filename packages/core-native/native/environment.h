// What the addon keeps per JavaScript environment (the main thread and each worker has its own):
// live counters and the last failure. Rule: nothing mutable outside of this object; several threads
// run the addon at once.
#pragma once

#include <napi.h>

#include <memory>

#include "address.h"
#include "batch_members.h"
#include "descriptor_set.h"
#include "failure.h"
#include "shared_tls_socket.h"
#include "status.h"

namespace sluice {

class Environment : public std::enable_shared_from_this<Environment> {
 public:
  struct Live {
    int epolls = 0;
    int tls_contexts = 0;
    int tls_sessions = 0;
  };

  /// Makes the environment's object and ties it to the instance data (napi_set_instance_data). Each
  /// native object shares its ownership, since the order in which Node finalizes them at teardown
  /// is Node's own affair.
  static std::shared_ptr<Environment> Install(Napi::Env env);

  /// Runs on the environment's thread after its last native object has gone.
  ~Environment();

  /// Records a failed system call and answers Status::kFailed, for `return environment.Fail(errno,
  /// "recv")`.
  int32_t Fail(int error_number, const char* call, std::string_view detail = {});
  /// Records any failure and answers Status::kFailed.
  int32_t Fail(const Failure& failure);

  const Failure& last_failure() const { return last_failure_; }
  Live& live() { return live_; }
  /// Application bytes of TLS sessions: before they are sealed, and after they are opened.
  struct Traffic {
    uint64_t sealed = 0;
    uint64_t opened = 0;
  };

  DescriptorSet& descriptors() { return descriptors_; }
  BatchMembers& batch_members() { return batch_members_; }
  Traffic& traffic() { return traffic_; }
  /// For `return Integer(env, environment.HandOver(fd))`: JavaScript has the descriptor from now
  /// on; the environment closes it at its own end if nobody else does.
  int32_t HandOver(int fd) {
    descriptors_.Add(fd);
    return fd;
  }
  /// Made when the first session wants them.
  TlsBuffers& tls_buffers() {
    if (!tls_buffers_) tls_buffers_ = std::make_unique<TlsBuffers>();
    return *tls_buffers_;
  }
  /// Session tickets that servers of this thread have made.
  uint64_t& tickets_issued() { return tickets_issued_; }
  /// Where accept4(2) puts the peer's address; that of the last connection until the next one.
  Address& accepted() { return accepted_; }

 private:
  Live live_;
  DescriptorSet descriptors_;
  BatchMembers batch_members_;
  Traffic traffic_;
  std::unique_ptr<TlsBuffers> tls_buffers_;
  uint64_t tickets_issued_ = 0;
  Address accepted_;
  Failure last_failure_;
};

/// Counts a resource from its making to its end.
class LiveCount {
 public:
  explicit LiveCount(int& counter) : counter_(&counter) { ++counter; }
  LiveCount(const LiveCount&) = delete;
  LiveCount& operator=(const LiveCount&) = delete;
  ~LiveCount() { --*counter_; }

 private:
  int* counter_;
};

}  // namespace sluice
