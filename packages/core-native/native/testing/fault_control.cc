// See fault_control.h.
#include "fault_control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sluice::testing {

namespace {

/// sysexits.h: EX_CONFIG.
constexpr int kExitConfiguration = 78;

[[noreturn]] void GiveUp(const char* path, const char* problem) {
  std::fprintf(stderr,
               "sluice_faults.so: SLUICE_FAULTS names %s: %s. Make the file and the environment "
               "with faultInjection() of @sluice/core-native/testing, of the same version.\n",
               path, problem);
  _exit(kExitConfiguration);
}

FaultControl* Map() {
  const char* path = std::getenv("SLUICE_FAULTS");
  if (path == nullptr || path[0] == '\0') return nullptr;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) GiveUp(path, std::strerror(errno));
  struct stat file {};
  if (fstat(fd, &file) != 0 || file.st_size < static_cast<off_t>(sizeof(FaultControl)))
    GiveUp(path, "too short for a control file");
  void* memory = mmap(nullptr, sizeof(FaultControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) GiveUp(path, std::strerror(errno));
  close(fd);
  auto* control = static_cast<FaultControl*>(memory);
  if (control->magic != FaultControl::kMagic || control->version != FaultControl::kVersion ||
      control->fault_count != kFaultCount) {
    GiveUp(path, "not a control file of this version");
  }
  control->attached.fetch_add(1);
  return control;
}

}  // namespace

FaultControl* FaultControl::Get() {
  static FaultControl* const control = Map();
  return control;
}

}  // namespace sluice::testing
