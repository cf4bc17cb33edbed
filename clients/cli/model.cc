// model: what the server runs.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace oxbow::cli {
namespace {

using Models = v1::Models::Stub;

Json ToJson(const v1::Model& model) {
  Json json;
  json["version"] = model.version();
  json["layers"] = model.layers();
  json["width"] = model.width();
  json["vocabulary_size"] = model.vocabulary_size();
  json["head_size"] = model.head_size();
  json["parameters"] = model.parameters();
  json["weights_dtype"] = model.weights_dtype();
  json["state_bytes"] = model.state_bytes();
  json["has_language_head"] = model.has_language_head();
  json["embedding_heads"] = Json::array();
  for (const std::string& head : model.embedding_heads()) {
    json["embedding_heads"].push_back(head);
  }
  json["adapters"] = Json::array();
  for (const std::string& adapter : model.adapters()) {
    json["adapters"].push_back(adapter);
  }
  if (!model.model_id().empty()) {
    json["model_id"] = ToHexText(model.model_id());
  }
  json["weights_id"] = ToHexText(model.weights_id());
  json["layout_id"] = model.layout_id();
  json["numerics_id"] = model.numerics_id();
  return json;
}

std::string ToLine(const v1::Model& model) {
  return absl::StrCat(
      model.version(), ", ", model.layers(), " layers of ", model.width(),
      ", vocabulary ", model.vocabulary_size(), ", ", model.parameters(),
      " parameters in ", model.weights_dtype(), ", ", model.state_bytes(),
      " bytes a state",
      model.embedding_heads_size() == 0
          ? ""
          : absl::StrCat(", embedding heads ",
                         absl::StrJoin(model.embedding_heads(), " ")),
      model.adapters_size() == 0
          ? ""
          : absl::StrCat(", with ", absl::StrJoin(model.adapters(), " ")));
}

absl::Status ShowModel(const Session& session) {
  ASSIGN_OR_RETURN(const v1::GetModelResponse model,
                   Ask(&session.connection->models(), &Models::GetModel,
                       v1::GetModelRequest()));
  if (!session.json) {
    *session.out << "generator: " << ToLine(model.generator()) << "\n";
    if (model.has_embedder()) {
      *session.out << "embedder: " << ToLine(model.embedder()) << "\n";
    }
    if (model.has_reranker()) {
      *session.out << "reranker: " << ToLine(model.reranker()) << "\n";
    }
    *session.out << "tokenizer: " << model.tokenizer().name() << std::endl;
    return absl::OkStatus();
  }
  Json json;
  json["generator"] = ToJson(model.generator());
  if (model.has_embedder()) json["embedder"] = ToJson(model.embedder());
  if (model.has_reranker()) json["reranker"] = ToJson(model.reranker());
  Json& tokenizer = json["tokenizer"];
  tokenizer["name"] = model.tokenizer().name();
  tokenizer["reads_text"] = model.tokenizer().reads_text();
  tokenizer["longest_piece_bytes"] = model.tokenizer().longest_piece_bytes();
  if (model.tokenizer().has_end_of_document()) {
    tokenizer["end_of_document"] = model.tokenizer().end_of_document();
  }
  session.Print(json);
  return absl::OkStatus();
}

}  // namespace

void AddModel(CLI::App* app, Run* run) {
  CLI::App* command = app->add_subcommand("model", "Tell what the server runs");
  command->callback([run] { *run = ShowModel; });
}

}  // namespace oxbow::cli
