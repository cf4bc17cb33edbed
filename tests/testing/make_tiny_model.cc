// Writes a small random RWKV model. Its texts are noise; all else is real.
//
//   bazel run //tests/testing:make_tiny_model -- --out=/tmp/tiny.safetensors
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "tests/testing/pth_writer.h"
#include "tests/testing/tiny_model.h"

int main(int argc, char** argv) {
  oxbow::TinyModelOptions options;
  std::string out;
  std::vector<int64_t> reranker_layers;
  CLI::App app("Writes a small random RWKV model.");
  app.add_option("--out", out, "file to write: .safetensors or .pth")
      ->required();
  app.add_option("--version", options.version, "of RWKV")
      ->check(CLI::IsMember({"4", "5.0", "5.1", "5.2", "6", "7"}));
  app.add_option("--layers", options.layers, "layers")
      ->check(CLI::Range(1, 64));
  app.add_option("--width", options.width, "channels, a multiple of the head")
      ->check(CLI::Range(8, 8192));
  app.add_option("--head_size", options.head_size, "channels of a head")
      ->check(CLI::IsMember({8, 16, 32, 64, 128}));
  app.add_option("--vocabulary_size", options.vocabulary_size, "tokens")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--ffn_width", options.ffn_width,
                 "0: as usual for the version");
  app.add_option("--w_rank", options.w_rank, "rank of the decay's pair");
  app.add_option("--a_rank", options.a_rank, "rank of the rate's pair");
  app.add_option("--v_rank", options.v_rank, "rank of the value's pair");
  app.add_option("--g_rank", options.g_rank, "rank of the gate's pair");
  app.add_option("--mix_rank", options.mix_rank, "rank of RWKV-6's lerps");
  app.add_option("--dtype", options.dtype, "fp32, fp16 or bf16")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, oxbow::DType>{{"fp32", oxbow::DType::kF32},
                                              {"fp16", oxbow::DType::kF16},
                                              {"bf16", oxbow::DType::kBF16}}));
  app.add_option("--seed", options.seed, "for the random numbers");
  app.add_flag("--time_first", options.time_first,
               "RWKV-5's bonus as time_first, not time_faaaa");
  app.add_flag("--time_state", options.time_state,
               "write an initial state as well");
  app.add_flag("--first_layer_v", options.first_layer_v,
               "write layer 0's unused v0, v1, v2");
  app.add_flag("!--no_lm_head", options.lm_head, "leave out head.weight");
  app.add_option("--embedding_heads", options.embedding_heads,
                 "of retr, sts, cls")
      ->check(CLI::IsMember({"retr", "sts", "cls"}));
  app.add_flag("--reranker", options.reranker, "EmbeddingRWKV's");
  app.add_option("--reranker_layers", reranker_layers,
                 "of the embedder, for each layer; only in a .pth");
  CLI11_PARSE(app, argc, argv);
  if (options.width % options.head_size != 0) {
    std::cerr << "--width must be a multiple of --head_size\n";
    return 1;
  }
  const absl::Status status =
      reranker_layers.empty()
          ? oxbow::WriteTinyModel(options, out)
          : oxbow::WritePth(
                oxbow::MakeTinyTensors(options), options.dtype,
                oxbow::NamedInts("reranker_layer_idx", reranker_layers), out);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
