// The descriptors that an environment has handed to JavaScript as plain numbers. Rule: a number has
// no finalizer, so what a worker that is terminated leaves open is closed here, with its
// environment (P51, P52).
#pragma once

#include <cstddef>
#include <vector>

namespace sluice {

class DescriptorSet {
 public:
  DescriptorSet() = default;
  DescriptorSet(const DescriptorSet&) = delete;
  DescriptorSet& operator=(const DescriptorSet&) = delete;
  /// Closes what is left.
  ~DescriptorSet();

  void Add(int fd);
  /// Gives up `fd`, which the caller closes; one that was never added is nothing special.
  void Remove(int fd);
  bool Has(int fd) const;
  int size() const { return size_; }

 private:
  /// By number: the kernel gives the lowest that is free (open(2)), so there are no large gaps.
  std::vector<bool> open_;
  int size_ = 0;
};

}  // namespace sluice
