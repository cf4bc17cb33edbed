#include "service/models_service.h"

#include <string>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "service/field_rules.h"
#include "service/to_proto.h"
#include "service/unary_call.h"

namespace oxbow {
namespace {

v1::TokenizerInfo Describe(const Tokenizer& tokenizer) {
  v1::TokenizerInfo info;
  info.set_name(tokenizer.name());
  info.set_reads_text(tokenizer.reads_text());
  info.set_longest_piece_bytes(tokenizer.longest_piece());
  if (tokenizer.end_of_document() >= 0) {
    info.set_end_of_document(tokenizer.end_of_document());
  }
  return info;
}

v1::DetokenizeResponse PiecesOf(const Tokenizer& tokenizer,
                                const std::vector<int>& ids) {
  v1::DetokenizeResponse response;
  for (const int id : ids) {
    const absl::string_view piece = tokenizer.Piece(id);
    response.mutable_text()->append(piece.data(), piece.size());
    response.add_byte_lengths(piece.size());
  }
  return response;
}

}  // namespace

ModelsService::ModelsService(const Engine* engine, const ServerLimits& limits)
    : engine_(engine), limits_(limits) {}

ModelsService::Unary* ModelsService::GetModel(Context*, const Bytes* request,
                                              Bytes* response) {
  return StartUnaryCall<v1::GetModelRequest>(
      request, response, [this](const v1::GetModelRequest&, UnaryCall* call) {
        v1::GetModelResponse answer;
        *answer.mutable_generator() = ToProto(engine_->generator_info());
        answer.mutable_generator()->set_model_id(
            std::string(AsBytes(engine_->generator_id())));
        if (engine_->embedder_info() != nullptr) {
          *answer.mutable_embedder() = ToProto(*engine_->embedder_info());
        }
        if (engine_->reranker_info() != nullptr) {
          *answer.mutable_reranker() = ToProto(*engine_->reranker_info());
        }
        *answer.mutable_tokenizer() = Describe(engine_->tokenizer());
        call->Answer(answer);
        return absl::OkStatus();
      });
}

ModelsService::Unary* ModelsService::GetLimits(Context*, const Bytes* request,
                                               Bytes* response) {
  return StartUnaryCall<v1::GetLimitsRequest>(
      request, response, [this](const v1::GetLimitsRequest&, UnaryCall* call) {
        const Limits& engine = engine_->limits();
        v1::GetLimitsResponse answer;
        answer.set_message_in_bytes_max(limits_.message_in_bytes_max);
        answer.set_message_out_bytes_max(limits_.message_out_bytes_max);
        answer.set_metadata_bytes_max(limits_.metadata_bytes_max);
        answer.set_calls_per_connection_max(limits_.calls_per_connection_max);
        answer.set_chunk_bytes_max(engine.chunk_bytes_max);
        answer.set_chunk_tokens_max(engine.chunk_ids_max);
        answer.set_append_window_bytes(engine.append_window_bytes);
        answer.set_append_calls_max(engine.append_calls_max);
        answer.set_generated_tokens_max(engine.generated_tokens_max);
        answer.set_branches_max(engine.branches_max);
        answer.set_texts_max(engine.texts_max);
        answer.set_prompt_bytes_max(engine.prompt_bytes_max);
        answer.set_top_logprobs_max(engine.top_logprobs_max);
        answer.set_labels_max(engine.labels_max);
        answer.set_open_streams_max(engine.open_streams_max);
        answer.set_running_requests_max(engine.running_requests_max);
        answer.set_page_size_max(kPageSizeMax);
        answer.set_rerank_streams_max(engine.rerank_streams_max);
        answer.set_read_calls_max(kReadCallsMax);
        answer.set_transfers_max(kTransfersMax);
        answer.set_transport_bytes_max(limits_.transport_bytes_max);
        answer.set_first_message_seconds_max(
            absl::ToInt64Seconds(limits_.first_message_max));
        answer.set_idle_append_seconds_max(
            absl::ToInt64Seconds(limits_.idle_append_max));
        answer.set_stall_seconds_max(absl::ToInt64Seconds(limits_.stall_max));
        answer.set_request_seconds_max(
            absl::ToInt64Seconds(limits_.request_max));
        call->Answer(answer);
        return absl::OkStatus();
      });
}

ModelsService::Unary* ModelsService::Tokenize(Context*, const Bytes* request,
                                              Bytes* response) {
  return StartUnaryCall<v1::TokenizeRequest>(
      request, response,
      [this](const v1::TokenizeRequest& message, UnaryCall* call) {
        RETURN_IF_ERROR(CheckTextSize("text", message.text().size(),
                                      engine_->limits().prompt_bytes_max));
        if (!engine_->tokenizer().reads_text()) {
          return WithReason(
              absl::FailedPreconditionError(
                  "this server has no tokenizer: it takes token ids only"),
              "NO_TOKENIZER");
        }
        return worker_.Run([this, call, text = message.text()] {
          v1::TokenizeResponse answer;
          const std::vector<int> ids =
              oxbow::Tokenize(engine_->tokenizer(), text);
          answer.mutable_tokens()->Add(ids.begin(), ids.end());
          call->Answer(answer);
        });
      });
}

ModelsService::Unary* ModelsService::Detokenize(Context*, const Bytes* request,
                                                Bytes* response) {
  return StartUnaryCall<v1::DetokenizeRequest>(
      request, response,
      [this](const v1::DetokenizeRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(
            std::vector<int> ids,
            IdsOf("tokens", message.tokens(), engine_->limits().chunk_ids_max,
                  engine_->generator_info().vocabulary_size));
        return worker_.Run([this, call, ids = std::move(ids)] {
          call->Answer(PiecesOf(engine_->tokenizer(), ids));
        });
      });
}

}  // namespace oxbow
