#include "service/options.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <sstream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "service/model_flags.h"

namespace oxbow {
namespace {

constexpr char kDescription[] =
    "oxbowd serves RWKV models over gRPC: documents of any length as durable "
    "streams.\n"
    "It prints one line, `listening on HOST:PORT`, on standard output when it "
    "is ready;\neverything else goes to standard error.\n";

constexpr char kFooter[] =
    "\nSignals: SIGTERM or SIGINT drains: new work is refused, what runs is "
    "finished,\nevery stream is checkpointed, then the server exits. A second "
    "signal exits at\nonce; acknowledged text is safe either way.\n"
    "\nExit codes: 0 drained. 64 a flag is wrong. 66 a model or vocabulary "
    "file cannot be\nread or is damaged. 70 a bug of ours. 75 the store is in "
    "use, full or damaged. 78 parts\nthat do not fit together: the store was "
    "made by another model, the port is taken.\n"
    "\nExample:\n"
    "  oxbowd --model=rwkv7-g1a-0.1b.pth --store=/var/lib/oxbow "
    "--listen=127.0.0.1:7007\n";

// The true address, as bytes would be; false if it is none.
bool IsLoopbackAddress(const std::string& host, bool* is_address) {
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    *is_address = true;
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  *is_address = inet_pton(AF_INET6, host.c_str(), &v6) == 1;
  return *is_address && IN6_IS_ADDR_LOOPBACK(&v6);
}

absl::Status CheckReach(const Options& options) {
  if (options.listen.is_loopback || options.behind_proxy) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "refusing to listen beyond loopback: this gRPC (Debian's 1.51) can be "
      "stopped by one connection with endless headers, so put HAProxy or "
      "another proxy in front and say --behind-proxy (see SECURITY.md)");
}

// The addresses, from their flags.
absl::Status SetListen(const std::string& listen, const std::string& admin,
                       Options* options) {
  ASSIGN_OR_RETURN(options->listen, ParseListen("--listen", listen));
  RETURN_IF_ERROR(CheckReach(*options));
  if (admin.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(options->admin_listen, ParseListen("--admin-listen", admin));
  if (options->admin_listen->is_loopback) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--admin-listen: who may call it may do what an operator may, so it "
      "must be on loopback, proxy or not");
}

void AddListenFlags(CLI::App* app, Options* options, std::string* listen,
                    std::string* admin) {
  app->add_option("--listen", *listen, "Where to listen. Port 0: any free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app->add_flag("--behind-proxy", options->behind_proxy,
                "Allow to listen beyond loopback: a proxy that bounds headers "
                "stands in front");
  CLI::Option* admin_listen =
      app->add_option("--admin-listen", *admin,
                      "Where oxbow-admin may call, on loopback. Default: "
                      "nowhere")
          ->type_name("HOST:PORT");
  app->add_option("--backup-dir", options->backup_path,
                  "The folder that `oxbow-admin backup` backs up into; made if "
                  "need be. Best on another disk")
      ->type_name("DIR")
      ->needs(admin_listen);
}

// N of cuda:N; nullopt for anything else.
absl::optional<int> GpuOf(absl::string_view device) {
  int gpu = 0;
  if (!absl::ConsumePrefix(&device, "cuda:") ||
      !absl::SimpleAtoi(device, &gpu) || gpu < 0) {
    return absl::nullopt;
  }
  return gpu;
}

void AddDeviceFlag(CLI::App* app, Options* options) {
  app->add_option_function<std::string>(
         "--device",
         [options](const std::string& device) { options->gpu = GpuOf(device); },
         "Where the models compute: cpu, or cuda:N for an NVIDIA GPU by CUDA's "
         "number. A GPU needs liboxbow_cuda.so beside oxbowd; its states are "
         "the CPU's, bit for bit. Default: cpu")
      ->type_name("DEVICE")
      ->check([](const std::string& device) {
        return device == "cpu" || GpuOf(device).has_value()
                   ? std::string()
                   : "want cpu or cuda:N such as cuda:0, not " + device;
      });
}

void AddModelFlags(CLI::App* app, Options* options) {
  app->add_option("--model", options->model_path,
                  "The model: a file, an index of shards, or a folder")
      ->required()
      ->type_name("PATH");
  AddLoraFlag(app, &options->adapters);
  app->add_option("--tokenizer", options->tokenizer,
                  "world:PATH (a vocabulary file), gguf:PATH (the one within "
                  "a GGUF file), hf:PATH (a Hugging Face tokenizer.json with "
                  "byte-level BPE), bytes (a model of 256 tokens) or none "
                  "(token ids only). Default: the one within a GGUF model, "
                  "else the .vocab file of the model's own stem, the "
                  "rwkv_vocab_*.txt beside it, or a tokenizer.json or "
                  "20B_tokenizer.json there that fits the model")
      ->type_name("KIND");
  app->add_option("--embedder", options->embedder_path,
                  "A second model for embeddings (EmbeddingRWKV), which reads "
                  "the same streams")
      ->type_name("PATH");
  app->add_option("--embedder-tokenizer", options->embedder_tokenizer,
                  "As --tokenizer, for the embedder")
      ->type_name("KIND");
  app->add_option("--reranker", options->reranker_path,
                  "EmbeddingRWKV's reranker for the model that embeds, which "
                  "scores its states of documents for a query")
      ->type_name("PATH");
  AddWeightsFlag(app, &options->weights,
                 "Quantize the large matrices of both models while loading: "
                 "half or a third of the memory, and faster where memory is "
                 "the bound, but other models than as stored; a store belongs "
                 "to one kind. Default: stored");
  app->add_option_function<std::string>(
         "--numerics",
         [options](const std::string& kind) {
           options->numerics =
               kind == "fast" ? Numerics::kFast : Numerics::kExact;
         },
         "exact: the same states on every machine. fast: bf16 weights meet "
         "bf16 activations, which nearly doubles the speed of long texts on "
         "a CPU with AVX-512 BF16, at a thousandth of error; states made one "
         "way are made again, not gone on with, the other way. Default: exact")
      ->check(CLI::IsMember({"exact", "fast"}));
  AddDeviceFlag(app, options);
  app->add_option("--threads", options->threads,
                  "Threads that share each step. 0: one for each core that "
                  "affinity and control group allow")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app->add_flag("--pin-threads", options->pin_threads,
                "Keep each of these threads, but the engine's own, on a core. "
                "For a machine that does nothing else");
  app->add_option("--bulk-slowdown", options->bulk_slowdown_max,
                  "How many times longer a generated token may take because "
                  "documents are read beside it, up to a tenth of a second (a "
                  "slow model: up to 2.5 times longer). Less: smoother "
                  "answers; more: documents keep more of their speed, about "
                  "1 - 1/N of it")
      ->check(CLI::Range(1.5, 1000.0))
      ->capture_default_str();
}

void AddStoreFlags(CLI::App* app, Options* options, int* drain_seconds) {
  app->add_option("--store", options->store_path,
                  "The folder that keeps the streams; made if need be")
      ->required()
      ->type_name("DIR");
  app->add_option("--checkpoint-tokens", options->checkpoint_tokens,
                  "Tokens between two stored states of a stream. Fewer: less "
                  "to replay after a crash; more: less to write")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  app->add_option("--share-beginnings", options->share_beginnings,
                  "Whether a stream that begins as another of its tenant goes "
                  "on from that one's stored states instead of computing them "
                  "again: the results are the same, bit for bit")
      ->type_name("true|false")
      ->capture_default_str();
  app->add_option("--store-memory", options->store_memory_bytes,
                  "Bytes of memory for the store's buffers, such as 64MB: two "
                  "thirds for what waits to be written, one for what was read. "
                  "More helps many busy streams or large states")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->check(CLI::Range(size_t{1} << 20, size_t{1} << 36))
      ->type_name("BYTES")
      ->capture_default_str();
  app->add_option("--keep-free", options->keep_free_bytes,
                  "Bytes of the store's disk, such as 64MB, that stay free for "
                  "deletions and for what gives space back: with fewer left, "
                  "nothing new is stored")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->check(CLI::Range(size_t{1} << 20, size_t{1} << 40))
      ->type_name("BYTES")
      ->capture_default_str();
  app->add_option("--drain-timeout", *drain_seconds,
                  "Seconds a drain may take before calls are cut")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
}

void AddLimitFlags(CLI::App* app, Options* options) {
  Limits& limits = options->limits;
  app->add_option("--open-streams", limits.open_streams_max,
                  "Streams whose state is in memory at once. Of any others "
                  "that are in use, text is made durable at once, and states "
                  "come from disk and go back by turns")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app->add_option("--append-calls", limits.append_calls_max,
                  "Append calls open at once; an idle one takes about 25 kB")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app->add_option("--running-requests", limits.running_requests_max,
                  "Generate, Score and Embed calls at once; more are refused "
                  "with ResourceExhausted")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app->add_option("--append-window-bytes", limits.append_window_bytes,
                  "Bytes one Append call may be ahead of the model")
      ->check(CLI::Range(size_t{1} << 16, size_t{1} << 30))
      ->capture_default_str();
  app->add_option("--calls-per-connection",
                  options->server_limits.calls_per_connection_max,
                  "Calls at once on one connection")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app->add_option("--transport-memory",
                  options->server_limits.transport_bytes_max,
                  "Bytes of memory for gRPC's buffers, such as 256MB, and at "
                  "most a quarter of the machine's: messages of which only "
                  "half has come. Past it calls are cut")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->check(CLI::Range(int64_t{16} << 20, int64_t{1} << 40))
      ->type_name("BYTES")
      ->capture_default_str();
}

// One limit of time, in whole seconds.
void AddSeconds(CLI::App* app, const std::string& flag, const std::string& text,
                absl::Duration* limit) {
  app->add_option_function<int>(
         flag, [limit](const int& value) { *limit = absl::Seconds(value); },
         text)
      ->check(CLI::Range(0, 1 << 30))
      ->type_name("SECONDS")
      ->default_str(absl::StrCat(absl::ToInt64Seconds(*limit)));
}

void AddTimeFlags(CLI::App* app, ServerLimits* limits) {
  AddSeconds(app, "--first-message-timeout",
             "An Append or ImportState call must send its first message so "
             "soon. 0: whenever it likes",
             &limits->first_message_max);
  AddSeconds(app, "--idle-append",
             "An Append call that sent nothing for so long ends with "
             "Unavailable; what was acknowledged stays, and an empty chunk "
             "keeps it open. 0: never",
             &limits->idle_append_max);
  AddSeconds(app, "--stall-timeout",
             "A client may take so long for one message of an answer, or for "
             "the next one of ImportState. 0: for ever",
             &limits->stall_max);
  AddSeconds(app, "--request-timeout",
             "A Generate, Embed, Score or Rerank call may take so long. 0: "
             "for ever",
             &limits->request_max);
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListen(const std::string& flag,
                                          const std::string& listen) {
  const absl::Status bad = absl::InvalidArgumentError(absl::StrCat(
      flag, ": want HOST:PORT such as 127.0.0.1:7007 or [::1]:0, not ",
      listen));
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return bad;
  ListenAddress address;
  address.host = listen.substr(0, colon);
  absl::string_view inner = address.host;
  const bool bracketed =
      absl::ConsumePrefix(&inner, "[") && absl::ConsumeSuffix(&inner, "]");
  if (bracketed) address.host = std::string(inner);
  if (!absl::SimpleAtoi(listen.substr(colon + 1), &address.port) ||
      address.port < 0 || address.port > 65535) {
    return bad;
  }
  bool is_address = address.host == "localhost";
  address.is_loopback =
      is_address || IsLoopbackAddress(address.host, &is_address);
  const bool is_v6 = address.host.find(':') != std::string::npos;
  if (!is_address || is_v6 != bracketed) return bad;
  return address;
}

CommandLine ParseCommandLine(int argc, const char* const* argv) {
  CommandLine line;
  Options& options = line.options;
  std::string listen = "127.0.0.1:7007";
  std::string admin_listen;
  int drain_seconds =
      static_cast<int>(absl::ToInt64Seconds(options.drain_timeout));
  CLI::App app(kDescription, "oxbowd");
  app.footer(kFooter);
  AddModelFlags(&app, &options);
  AddStoreFlags(&app, &options, &drain_seconds);
  AddListenFlags(&app, &options, &listen, &admin_listen);
  AddLimitFlags(&app, &options);
  AddTimeFlags(&app, &options.server_limits);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err);
    line.exit_code = code == 0 ? 0 : kExitUsage;
    line.text = code == 0 ? out.str()
                          : absl::StrCat("oxbowd: ", error.what(),
                                         "; see oxbowd --help\n");
    return line;
  }
  options.drain_timeout = absl::Seconds(drain_seconds);
  const absl::Status status = SetListen(listen, admin_listen, &options);
  if (!status.ok()) {
    line.exit_code = kExitUsage;
    line.text = absl::StrCat("oxbowd: ", status.message(), "\n");
  }
  return line;
}

}  // namespace oxbow
