// What loading a model takes: seconds, and memory at most beside what stays.
//
//   bazel run //tests/bench:load_bench -- --weights=int8 MODEL
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "CLI/CLI.hpp"
#include "engine/model/load_model.h"
#include "service/model_flags.h"

namespace oxbow {
namespace {

// KiB of a line of /proc/self/status, such as "VmRSS:".
int64_t StatusOf(const std::string& name) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key;
    int64_t kib = 0;
    if (words >> key >> kib && key == name) return kib;
  }
  return 0;
}

int Run(const std::string& path, const LoadModelOptions& options) {
  const int64_t before = StatusOf("VmRSS:");
  const auto start = std::chrono::steady_clock::now();
  const auto model = LoadModel(path, options);
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  if (!model.ok()) {
    std::cerr << model.status().message() << "\n";
    return 1;
  }
  const int64_t stays = StatusOf("VmRSS:") - before;
  const int64_t peak = StatusOf("VmHWM:") - before;
  std::printf("%s in %s: %.1f s, %.1f MiB stay, %.1f MiB at most: %+.1f %%\n",
              path.c_str(), (*model)->info().weights_dtype.c_str(),
              seconds.count(), stays / 1024.0, peak / 1024.0,
              100.0 * (peak - stays) / stays);
  return 0;
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  std::string path;
  oxbow::LoadModelOptions options;
  CLI::App app("Seconds and memory of loading a model.");
  oxbow::AddWeightsFlag(&app, &options.precision, "As oxbowd takes it");
  oxbow::AddLoraFlag(&app, &options.adapters);
  app.add_option("model", path, "model file")->required();
  CLI11_PARSE(app, argc, argv);
  return oxbow::Run(path, options);
}
