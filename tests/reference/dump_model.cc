// Runs a model over tokens and writes all it computed, for compare.py.
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "engine/model/load_model.h"

namespace oxbow {
namespace {

void WriteFloats(const std::string& path, const std::vector<float>& numbers) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(numbers.data()),
             numbers.size() * sizeof(float));
}

// Hidden rows [N,D] of all tokens, `rows` to a step.
std::vector<float> RunAll(Model& model, StateSlot slot,
                          const std::vector<int>& tokens, int rows) {
  const int width = model.info().width;
  std::vector<float> hidden(tokens.size() * width);
  for (size_t begin = 0; begin < tokens.size(); begin += rows) {
    const size_t end = std::min(begin + rows, tokens.size());
    Batch batch;
    batch.tokens.assign(tokens.begin() + begin, tokens.begin() + end);
    batch.row_end = {static_cast<int>(end - begin)};
    batch.slots = {slot};
    for (size_t row = 0; row < end - begin; ++row) {
      batch.hidden_rows.push_back(static_cast<int>(row));
    }
    model.Step(batch, absl::MakeSpan(hidden).subspan(begin * width,
                                                     (end - begin) * width));
  }
  return hidden;
}

int Run(const std::string& path, const std::string& tokens_path,
        const std::string& out, int rows) {
  auto model = LoadModel(path, LoadModelOptions());
  if (!model.ok()) {
    std::cerr << model.status() << "\n";
    return 1;
  }
  std::vector<int> tokens;
  std::ifstream tokens_file(tokens_path);
  for (int token; tokens_file >> token;) tokens.push_back(token);

  const ModelInfo& info = (*model)->info();
  const StateSlot slot = *(*model)->NewState();
  const std::vector<float> hidden = RunAll(**model, slot, tokens, rows);
  std::vector<float> logits;
  if (info.has_lm_head) {
    logits.resize(tokens.size() * info.vocabulary_size);
    (*model)->Logits(hidden, absl::MakeSpan(logits));
  }
  std::vector<float> state(info.state_bytes / sizeof(float));
  (*model)->ReadState(
      slot,
      absl::MakeSpan(reinterpret_cast<char*>(state.data()), info.state_bytes));
  // The embedding heads, in info's order, of the last hidden row.
  std::vector<float> embeddings(info.embedding_heads.size() * info.width);
  const absl::Span<const float> last = absl::MakeSpan(hidden).last(info.width);
  for (size_t i = 0; i < info.embedding_heads.size(); ++i) {
    (*model)->EmbeddingHead(
        info.embedding_heads[i], last,
        absl::MakeSpan(embeddings).subspan(i * info.width, info.width));
  }
  WriteFloats(out + "/embeddings", embeddings);
  WriteFloats(out + "/hidden", hidden);
  WriteFloats(out + "/logits", logits);
  WriteFloats(out + "/state", state);
  return 0;
}

}  // namespace
}  // namespace oxbow

int main(int argc, char** argv) {
  std::string model, tokens, out;
  int rows = 37;
  CLI::App app("Writes hidden rows, logits and state of a model, as fp32.");
  app.add_option("--model", model, "a .pth or .safetensors file")->required();
  app.add_option("--tokens", tokens, "a file of token ids")->required();
  app.add_option("--out", out, "a folder")->required();
  app.add_option("--rows", rows, "rows of one step")
      ->check(CLI::Range(1, 4096));
  CLI11_PARSE(app, argc, argv);
  return oxbow::Run(model, tokens, out, rows);
}
