// `sluice_steps PID FILE`: counts the instructions that the main thread of a process executes in
// user space, by where they are, into FILE: PTRACE_SINGLESTEP (ptrace(2)), which is exact where
// there is no hardware counter, and a thousand times slower than running. Ends on SIGTERM, and the
// process goes on. Rule: the process is never left stopped, whatever happens here.
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

/// The layout of FILE, in 64 bits each; the names are those of
/// tools/unit-counts/src/step-counter.ts.
enum Place : size_t { kStarted, kCompiled, kNode, kAddon, kCLibrary, kOther, kPlaces };

struct Range {
  uintptr_t begin;
  uintptr_t end;
  Place place;
};

volatile sig_atomic_t is_over = 0;

void End(int) { is_over = 1; }

[[noreturn]] void GiveUp(const char* what) {
  std::fprintf(stderr, "sluice_steps: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

Place PlaceOf(const std::string& path, const std::string& program) {
  if (path.empty() || path.starts_with("[anon")) return kCompiled;
  if (path == program) return kNode;
  if (path.ends_with("/sluice.node")) return kAddon;
  if (path.find("/libc.so") != std::string::npos || path.find("/libc-") != std::string::npos)
    return kCLibrary;
  return kOther;
}

std::string ProgramOf(pid_t pid) {
  char path[4096];
  const auto link = "/proc/" + std::to_string(pid) + "/exe";
  const ssize_t length = readlink(link.c_str(), path, sizeof(path));
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : std::string();
}

/// What may be executed (proc_pid_maps(5)).
std::vector<Range> CodeOf(pid_t pid, const std::string& program) {
  std::vector<Range> code;
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range, access, offset, device, inode, path;
    fields >> range >> access >> offset >> device >> inode >> path;
    if (access.size() < 3 || access[2] != 'x') continue;
    const size_t dash = range.find('-');
    code.push_back({std::stoull(range.substr(0, dash), nullptr, 16),
                    std::stoull(range.substr(dash + 1), nullptr, 16), PlaceOf(path, program)});
  }
  return code;
}

class Code {
 public:
  explicit Code(pid_t pid) : pid_(pid), program_(ProgramOf(pid)), ranges_(CodeOf(pid, program_)) {}

  Place At(uintptr_t address) {
    if (address >= last_.begin && address < last_.end) return last_.place;
    if (!Find(address)) {
      // Memory for code is made while a program runs.
      ranges_ = CodeOf(pid_, program_);
      if (!Find(address)) return kOther;
    }
    return last_.place;
  }

 private:
  bool Find(uintptr_t address) {
    for (const Range& range : ranges_) {
      if (address < range.begin || address >= range.end) continue;
      last_ = range;
      return true;
    }
    return false;
  }

  pid_t pid_;
  std::string program_;
  std::vector<Range> ranges_;
  Range last_{};
};

uintptr_t InstructionPointer(pid_t pid) {
  user_regs_struct registers{};
  iovec part{&registers, sizeof(registers)};
  if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part) != 0) return 0;
#if defined(__x86_64__)
  return registers.rip;
#else
  return registers.pc;
#endif
}

std::atomic<uint64_t>* MapCounts(const char* path) {
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) GiveUp(path);
  constexpr size_t kBytes = kPlaces * sizeof(uint64_t);
  if (ftruncate(fd, kBytes) != 0) GiveUp(path);
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) GiveUp(path);
  close(fd);
  return static_cast<std::atomic<uint64_t>*>(memory);
}

/// The signal to hand on when the process goes on from this stop; a stop of ours is none.
int SignalOf(int status) {
  const int signal = WSTOPSIG(status);
  return signal == SIGTRAP || (status >> 16) != 0 ? 0 : signal;
}

/// Until it is over. False when the process has ended.
bool Step(pid_t pid, std::atomic<uint64_t>* counts) {
  Code code(pid);
  int signal = 0;
  counts[kStarted] = 1;
  while (is_over == 0) {
    const auto place = code.At(InstructionPointer(pid));
    if (ptrace(PTRACE_SINGLESTEP, pid, nullptr, signal) != 0) return false;
    counts[place].fetch_add(1, std::memory_order_relaxed);
    int status = 0;
    // A system call that waits is one step: SIGTERM ends the waiting for it.
    while (waitpid(pid, &status, __WALL) < 0) {
      if (errno != EINTR) return false;
      if (is_over != 0) ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
    }
    if (!WIFSTOPPED(status)) return false;
    signal = SignalOf(status);
  }
  ptrace(PTRACE_DETACH, pid, nullptr, signal);
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: sluice_steps PID FILE\n");
    return 2;
  }
  // Not SA_RESTART: waitpid(2) has to come back.
  struct sigaction action {};
  action.sa_handler = End;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  const pid_t pid = std::atoi(arguments[1]);
  auto* const counts = MapCounts(arguments[2]);
  // When this program ends the kernel lets go of what it has seized.
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) GiveUp("ptrace");
  if (ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) GiveUp("ptrace");
  int status = 0;
  if (waitpid(pid, &status, __WALL) < 0) GiveUp("waitpid");
  return Step(pid, counts) ? 0 : 1;
}
