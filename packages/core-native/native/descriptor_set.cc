// See descriptor_set.h.
#include "descriptor_set.h"

#include <unistd.h>

namespace sluice {

DescriptorSet::~DescriptorSet() {
  for (size_t fd = 0; fd < open_.size(); ++fd) {
    if (open_[fd]) ::close(static_cast<int>(fd));
  }
}

void DescriptorSet::Add(int fd) {
  const auto index = static_cast<size_t>(fd);
  if (index >= open_.size()) open_.resize(index + 1);
  if (!open_[index]) ++size_;
  open_[index] = true;
}

void DescriptorSet::Remove(int fd) {
  if (!Has(fd)) return;
  open_[static_cast<size_t>(fd)] = false;
  --size_;
}

bool DescriptorSet::Has(int fd) const {
  const auto index = static_cast<size_t>(fd);
  return index < open_.size() && open_[index];
}

}  // namespace sluice
