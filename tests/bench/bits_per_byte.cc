// What quantizing and fast numerics cost: a model's bits per byte of a text, as
// stored and exact, and with each --weights or --numerics=fast.
//
//   bazel run //tests/bench:bits_per_byte -- --model=M.safetensors TEXT
//
// The text is read as one stream from the empty state. Fewer bits are better;
// a text that the model did not learn from shows what it is worth.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "base/status_macros.h"
#include "engine/model/load_model.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/bench/stream_nats.h"

namespace oxbow {
namespace {

struct Options {
  std::string model, text, tokenizer;
  size_t bytes_max = size_t{1} << 30;
  std::vector<std::string> kinds = {"exact", "int8", "int4"};
};

absl::Status Run(const Options& options) {
  std::ifstream file(options.text, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (text.empty()) {
    return absl::NotFoundError(options.text + ": no text to read");
  }
  text.resize(std::min(text.size(), options.bytes_max));
  double stored = 0;
  for (const std::string& kind : options.kinds) {
    LoadModelOptions load;
    load.precision = kind == "int8"   ? WeightPrecision::kInt8
                     : kind == "int4" ? WeightPrecision::kInt4
                                      : WeightPrecision::kAsStored;
    load.numerics = kind == "fast" ? Numerics::kFast : Numerics::kExact;
    ASSIGN_OR_RETURN(const std::unique_ptr<Model> model,
                     LoadModel(options.model, load));
    ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer,
                     MakeTokenizer(options.tokenizer, options.model,
                                   model->info().vocabulary_size));
    std::vector<int> tokens = Tokenize(*tokenizer, text);
    tokens.insert(tokens.begin(), std::max(0, tokenizer->end_of_document()));
    ASSIGN_OR_RETURN(const double nats, StreamNats(*model, tokens));
    const double bits = nats / std::log(2.0) / text.size();
    if (stored == 0) stored = bits;
    std::printf("%-7s %-5s %zu tokens, %zu bytes: %.5f bits a byte, %+.2f %%\n",
                kind.c_str(), model->info().weights_dtype.c_str(),
                tokens.size() - 1, text.size(), bits,
                100 * (bits / stored - 1));
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  oxbow::Options options;
  CLI::App app("A model's bits per byte: exact, quantized, fast.");
  app.add_option("--model", options.model, "model file")->required();
  app.add_option("--tokenizer", options.tokenizer, "as oxbowd takes it");
  app.add_option("--bytes", options.bytes_max, "of the text, at most");
  app.add_option("--kinds", options.kinds, "exact, int8, int4, fast")
      ->delimiter(',');
  app.add_option("text", options.text, "text file")->required();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = oxbow::Run(options);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
