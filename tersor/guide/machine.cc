#include "tersor/guide/machine.h"

#include <sched.h>
#include <sys/utsname.h>

#include <fstream>

#include "tersor/base/cpu.h"
#include "tersor/base/status.h"

namespace tersor::guide {
namespace {

std::string CpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (colon != std::string::npos && line.starts_with("model name")) return line.substr(colon + 2);
  }
  struct utsname system {};
  return ::uname(&system) == 0 ? system.machine : "unknown CPU";
}

int UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

}  // namespace

std::string MachineText() {
  const int cpus = UsableCpus();
  return StrCat(CpuName(), ", ", cpus, cpus == 1 ? " CPU, " : " CPUs, ",
                CpuLevelName(CpuFeatures::Detect().best()));
}

}  // namespace tersor::guide
