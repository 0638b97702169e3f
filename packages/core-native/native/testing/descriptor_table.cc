// See descriptor_table.h.
#include "descriptor_table.h"

#include <atomic>

#include "real_calls.h"

namespace sluice::testing {

namespace {

constexpr int kTableSize = 65'536;

/// Never touched but where a descriptor is in use: the rest costs no memory.
Descriptor table[kTableSize];
std::atomic<int> end{0};

}  // namespace

Descriptor* DescriptorOf(int fd) {
  if (fd < 0 || fd >= kTableSize) return nullptr;
  int seen = end.load(std::memory_order_relaxed);
  while (fd >= seen && !end.compare_exchange_weak(seen, fd + 1)) continue;
  return &table[fd];
}

Descriptor* KnownDescriptorOf(int fd) {
  return fd >= 0 && fd < end.load(std::memory_order_relaxed) ? &table[fd] : nullptr;
}

int DescriptorEnd() { return end.load(std::memory_order_relaxed); }

void NoteRegistration(int epoll_fd, int operation, int fd, const epoll_event* event) {
  Descriptor* const descriptor = DescriptorOf(fd);
  Descriptor* const epoll = DescriptorOf(epoll_fd);
  if (descriptor == nullptr || epoll == nullptr) return;
  epoll->epoll = true;
  descriptor->registered = operation != EPOLL_CTL_DEL;
  if (!descriptor->registered) return;
  descriptor->epoll_fd = epoll_fd;
  descriptor->event = *event;
}

void ForgetDescriptor(int fd) {
  Descriptor* const descriptor = KnownDescriptorOf(fd);
  if (descriptor == nullptr) return;
  if (descriptor->epoll) {
    for (int other = 0; other < DescriptorEnd(); ++other) {
      if (table[other].registered && table[other].epoll_fd == fd) table[other].registered = false;
    }
  }
  *descriptor = {};
}

void Rearm(int fd, uint32_t events) {
  Descriptor* const descriptor = KnownDescriptorOf(fd);
  if (descriptor == nullptr || !descriptor->registered) return;
  if ((descriptor->event.events & events) == 0) return;
  real().epoll_ctl(descriptor->epoll_fd, EPOLL_CTL_MOD, fd, &descriptor->event);
}

}  // namespace sluice::testing
