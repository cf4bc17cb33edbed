// All settings of the server, as one validated struct.
#ifndef OXBOW_SERVICE_OPTIONS_H_
#define OXBOW_SERVICE_OPTIONS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "engine/requests.h"
#include "engine/weights/adapter_file.h"
#include "engine/weights/weight_precision.h"
#include "kernels/ops.h"
#include "service/server_limits.h"

namespace oxbow {

// What oxbowd's exit says, after sysexits.h.
enum ExitCode : int {
  kExitDrained = 0,
  kExitUsage = 64,             // a flag is wrong
  kExitNoInput = 66,           // a model or vocabulary cannot be read
  kExitSoftware = 70,          // a bug of ours
  kExitStoreUnavailable = 75,  // the store is in use, full or damaged
  kExitConfig = 78,            // parts that do not fit: model, store, port
};

struct ListenAddress {
  std::string host = "127.0.0.1";  // without brackets
  int port = 7007;                 // 0: any
  bool is_loopback = true;
};

struct Options {
  std::string model_path;
  std::vector<AdapterFile> adapters;  // of the model; the embedder has none
  std::string embedder_path;          // empty: none
  std::string tokenizer;              // as MakeTokenizer takes it
  std::string embedder_tokenizer;
  std::string reranker_path;  // empty: none
  std::string store_path;
  ListenAddress listen;
  bool behind_proxy = false;
  absl::optional<ListenAddress> admin_listen;  // nullopt: no Admin service
  std::string backup_path;                     // empty: no backups
  WeightPrecision weights = WeightPrecision::kAsStored;  // of both models
  Numerics numerics = Numerics::kExact;                  // of both models
  absl::optional<int> gpu;  // by CUDA's number; nullopt: the CPU computes
  int threads = 0;          // 0: all cores
  bool pin_threads = false;
  double bulk_slowdown_max = 8;
  int checkpoint_tokens = 4096;
  bool share_beginnings = true;
  size_t store_memory_bytes = size_t{24} << 20;  // memtables and cached blocks
  // Of the store's disk, for deletions and for what gives space back.
  size_t keep_free_bytes = size_t{64} << 20;
  absl::Duration drain_timeout = absl::Seconds(30);
  Limits limits;
  ServerLimits server_limits;
};

// What a command line asks for: to serve, or to print something and exit.
struct CommandLine {
  Options options;
  // Set: print `text` (to stderr if the code is not 0) and exit with it.
  absl::optional<int> exit_code;
  std::string text;
};

CommandLine ParseCommandLine(int argc, const char* const* argv);

// "HOST:PORT" or "[IPV6]:PORT", given as that flag; HOST is an address or
// "localhost". InvalidArgument otherwise.
absl::StatusOr<ListenAddress> ParseListen(const std::string& flag,
                                          const std::string& listen);

}  // namespace oxbow

#endif  // OXBOW_SERVICE_OPTIONS_H_
