// oxbowd: the server. The only file that names concrete classes: it turns
// flags into models, a store, an engine and a server, and ends them in order.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "engine/engine.h"
#include "engine/model/load_model.h"
#include "engine/model/load_progress.h"
#include "engine/model/reranker.h"
#include "engine/tokenizer/tokenizer.h"
#include "grpc/support/log.h"
#include "kernels/cpu/thread_pool.h"
#include "service/admin_server.h"
#include "service/options.h"
#include "service/server.h"
#include "service/steady_clock.h"
#include "service/stop_signals.h"
#include "store/rocks_store.h"

namespace oxbow {
namespace {

// What went wrong while starting, and the exit code that says so.
struct Failure {
  int exit_code = kExitSoftware;
  std::string sentence;
};

int Report(const Failure& failure) {
  std::cerr << "oxbowd: " << failure.sentence << std::endl;
  return failure.exit_code;
}

// What all models share.
struct Surroundings {
  const Clock* clock = nullptr;
  // Shared by the models: the engine's one thread steps them in turn.
  std::shared_ptr<ThreadPool> pool;
};

absl::StatusOr<ReaderSpec> LoadReader(const std::string& path,
                                      const std::string& tokenizer,
                                      const std::vector<AdapterFile>& adapters,
                                      const Options& options,
                                      const Surroundings& surroundings) {
  LoadProgress progress(path, isatty(STDERR_FILENO) == 1, &std::cerr,
                        surroundings.clock);
  LoadModelOptions load;
  load.gpu = options.gpu;
  load.pool = surroundings.pool;
  load.precision = options.weights;
  load.adapters = adapters;
  load.numerics = options.numerics;
  // A stream in memory has its state and a place to probe it for vectors; a
  // request has one state, or one a branch; a Rerank a few.
  load.slots_max = 2 * options.limits.open_streams_max +
                   options.limits.running_requests_max + Reranker::kStatesMax;
  load.on_progress = [&progress](int64_t done, int64_t total) {
    progress.Update(done, total);
  };
  ReaderSpec reader;
  absl::StatusOr<std::unique_ptr<Model>> model = LoadModel(path, load);
  progress.Finish();
  if (!model.ok()) return model.status();
  reader.model = *std::move(model);
  if (reader.model->info().has_rank_head) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": a reranker, which reads no text; give it as --reranker"));
  }
  ASSIGN_OR_RETURN(
      reader.tokenizer,
      MakeTokenizer(tokenizer, path, reader.model->info().vocabulary_size));
  reader.file_name = path;
  return reader;
}

// The reranker of the model that embeds, into its spec.
absl::Status LoadReranker(const Options& options,
                          const Surroundings& surroundings,
                          ReaderSpec* reader) {
  if (options.embedder_path.empty() &&
      reader->model->info().embedding_heads.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--reranker: ", options.model_path,
        " has no trained embedding head: a reranker goes with an embedder, so "
        "give --embedder=PATH, too"));
  }
  LoadProgress progress(options.reranker_path, isatty(STDERR_FILENO) == 1,
                        &std::cerr, surroundings.clock);
  Reranker::LoadOptions load;
  load.gpu = options.gpu;
  load.pool = surroundings.pool;
  load.on_progress = [&progress](int64_t done, int64_t total) {
    progress.Update(done, total);
  };
  absl::StatusOr<std::unique_ptr<Reranker>> reranker =
      Reranker::Load(options.reranker_path, load, reader->model->info());
  progress.Finish();
  if (!reranker.ok()) return reranker.status();
  reader->reranker = *std::move(reranker);
  return absl::OkStatus();
}

// A connection is a file, and the store has many. Many systems give a program
// 1,024 unless it asks for the others it may have; this gRPC accepts nobody any
// more once they are used up.
void AllowManyFiles() {
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// The store is another program's, full or damaged: trying again later may
// help. It was made by another model: it never will.
int StoreExitCode(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) ? kExitConfig
                                            : kExitStoreUnavailable;
}

int Serve(const Options& options, StopSignals* signals) {
  const RealClock clock;
  const SteadyClock steady_clock;
  const Surroundings surroundings = {
      &clock,
      std::make_shared<ThreadPool>(
          options.threads, options.pin_threads ? ThreadPool::Placement::kPinned
                                               : ThreadPool::Placement::kFree)};
  absl::StatusOr<ReaderSpec> generator =
      LoadReader(options.model_path, options.tokenizer, options.adapters,
                 options, surroundings);
  if (!generator.ok()) {
    return Report({kExitNoInput, std::string(generator.status().message())});
  }
  absl::optional<ReaderSpec> embedder;
  if (!options.embedder_path.empty()) {
    absl::StatusOr<ReaderSpec> reader =
        LoadReader(options.embedder_path, options.embedder_tokenizer,
                   /*adapters=*/{}, options, surroundings);
    if (!reader.ok()) {
      return Report({kExitNoInput, std::string(reader.status().message())});
    }
    embedder = *std::move(reader);
  }
  if (!options.reranker_path.empty()) {
    const absl::Status status = LoadReranker(
        options, surroundings, embedder.has_value() ? &*embedder : &*generator);
    if (!status.ok()) {
      return Report({kExitNoInput, std::string(status.message())});
    }
  }

  RocksStoreOptions store_options;
  store_options.path = options.store_path;
  store_options.free_bytes_min = options.keep_free_bytes;
  store_options.block_cache_bytes = options.store_memory_bytes / 3;
  store_options.memtable_bytes_max =
      options.store_memory_bytes - store_options.block_cache_bytes;
  absl::StatusOr<std::unique_ptr<DiskStore>> store =
      OpenRocksStore(store_options);
  if (!store.ok()) {
    return Report(
        {kExitStoreUnavailable, std::string(store.status().message())});
  }

  EngineOptions engine_options;
  engine_options.limits = options.limits;
  engine_options.checkpoint_tokens = options.checkpoint_tokens;
  engine_options.bulk_slowdown_max = options.bulk_slowdown_max;
  engine_options.share_beginnings = options.share_beginnings;
  absl::StatusOr<std::unique_ptr<Engine>> engine =
      Engine::Start(engine_options, *std::move(generator), std::move(embedder),
                    store->get(), &clock);
  if (!engine.ok()) {
    return Report({StoreExitCode(engine.status()),
                   std::string(engine.status().message())});
  }

  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start(options, engine->get(), &steady_clock);
  if (!server.ok()) {
    return Report({kExitConfig, std::string(server.status().message())});
  }
  std::unique_ptr<AdminServer> admin;
  if (options.admin_listen.has_value()) {
    absl::StatusOr<std::unique_ptr<AdminServer>> started =
        AdminServer::Start(options, store->get(), &clock);
    if (!started.ok()) {
      return Report({kExitConfig, std::string(started.status().message())});
    }
    admin = *std::move(started);
    std::cerr << "oxbowd: oxbow-admin may call " << admin->address()
              << std::endl;
  }
  std::cout << "listening on " << (*server)->address() << std::endl;

  signals->Wait();
  std::cerr << "oxbowd: draining" << std::endl;
  admin.reset();  // A backup that runs is none.
  if (!(*server)->Drain(options.drain_timeout)) {
    std::cerr << "oxbowd: the drain took longer than "
              << absl::FormatDuration(options.drain_timeout)
              << "; the rest is replayed at the next start" << std::endl;
  }
  return kExitDrained;
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  const oxbow::CommandLine line = oxbow::ParseCommandLine(argc, argv);
  if (line.exit_code.has_value()) {
    (*line.exit_code == 0 ? std::cout : std::cerr) << line.text;
    return *line.exit_code;
  }
  // gRPC would write lines of its own that quote what clients send.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  // A reader of our output that went away is no reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  oxbow::AllowManyFiles();
  oxbow::StopSignals signals;
  return oxbow::Serve(line.options, &signals);
}
