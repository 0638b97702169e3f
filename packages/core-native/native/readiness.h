// epoll's bits against ours (`Interest` and `Ready` of src/contract.ts). Rule: the kernel's names
// appear in this pair of functions and nowhere else.
#pragma once

#include <cstdint>

namespace sluice {

constexpr int32_t kInterestReadable = 1;
constexpr int32_t kInterestWritable = 2;
constexpr int32_t kInterestAll = kInterestReadable | kInterestWritable;

/// Interest bits to the `events` that epoll_ctl(2) takes.
uint32_t ToEpollEvents(int32_t interest);

/// The `events` that epoll_wait(2) reports to Ready bits.
int32_t ToReady(uint32_t events);

}  // namespace sluice
