#include "service/streams_service.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/status_macros.h"
#include "service/append_call.h"
#include "service/export_state_call.h"
#include "service/field_rules.h"
#include "service/generate_call.h"
#include "service/import_state_call.h"
#include "service/read_embeddings_call.h"
#include "service/read_text_call.h"
#include "service/server_limits.h"
#include "service/to_proto.h"
#include "service/unary_call.h"

namespace oxbow {
namespace {

constexpr int kPageSizeDefault = 100;

RequestRules MakeRules(const Engine& engine) {
  RequestRules rules;
  rules.limits = engine.limits();
  rules.model_id = engine.generator_id();
  rules.vocabulary_size = engine.generator_info().vocabulary_size;
  rules.embedder_vocabulary_size = rules.vocabulary_size;
  rules.embedding_width = engine.generator_info().width;
  rules.has_embedding_head = !engine.generator_info().embedding_heads.empty();
  if (engine.embedder_info() != nullptr) {
    // Which of the two makes a vector depends on the pooling: the engine says
    // so if the narrower one is asked for more than it has.
    rules.embedding_width =
        std::max(rules.embedding_width, engine.embedder_info()->width);
    rules.has_embedding_head = !engine.embedder_info()->embedding_heads.empty();
    rules.embedder_vocabulary_size = engine.embedder_info()->vocabulary_size;
  }
  return rules;
}

google::protobuf::Empty ToEmpty(bool) { return {}; }
v1::Stream ToStream(const StreamInfo& info) { return ToProto(info); }

}  // namespace

StreamsService::StreamsService(Engine* engine, const ServerLimits* limits,
                               CallTimers* timers)
    : engine_(engine),
      limits_(limits),
      timers_(timers),
      rules_(MakeRules(*engine)) {}

StreamsService::Unary* StreamsService::CreateStream(Context*,
                                                    const Bytes* request,
                                                    Bytes* response) {
  return StartUnaryCall<v1::CreateStreamRequest>(
      request, response,
      [this](const v1::CreateStreamRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(CreateStreamRequest create,
                         FromProto(message, rules_));
        engine_->CreateStream(std::move(create),
                              call->Done<StreamInfo>(ToStream));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::GetStream(Context*, const Bytes* request,
                                                 Bytes* response) {
  return StartUnaryCall<v1::GetStreamRequest>(
      request, response,
      [this](const v1::GetStreamRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(StreamName name,
                         NameFromProto("stream_id", message.stream_id()));
        RETURN_IF_ERROR(CheckRange("view", message.view(), 0,
                                   v1::GetStreamRequest::View_MAX));
        const bool full = message.view() == v1::GetStreamRequest::VIEW_FULL;
        engine_->GetStream(std::move(name), full,
                           call->Done<StreamInfo>(ToStream));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::ListStreams(Context*,
                                                   const Bytes* request,
                                                   Bytes* response) {
  return StartUnaryCall<v1::ListStreamsRequest>(
      request, response,
      [this](const v1::ListStreamsRequest& message, UnaryCall* call) {
        RETURN_IF_ERROR(
            CheckRange("page_size", message.page_size(), 0, kPageSizeMax));
        if (!message.page_token().empty()) {
          RETURN_IF_ERROR(CheckWord("page_token", message.page_token()));
        }
        const int size =
            message.page_size() == 0 ? kPageSizeDefault : message.page_size();
        const auto to_page = [size](const std::vector<StreamInfo>& infos) {
          v1::ListStreamsResponse page;
          const int count = std::min<int>(size, infos.size());
          for (int i = 0; i < count; ++i) {
            *page.add_streams() = ToProto(infos[i]);
          }
          if (static_cast<int>(infos.size()) > size) {
            page.set_next_page_token(infos[size - 1].name.stream);
          }
          return page;
        };
        // One more tells whether there is another page.
        engine_->ListStreams(StreamName().tenant, message.page_token(),
                             size + 1,
                             call->Done<std::vector<StreamInfo>>(to_page));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::DeleteStream(Context*,
                                                    const Bytes* request,
                                                    Bytes* response) {
  return StartUnaryCall<v1::DeleteStreamRequest>(
      request, response,
      [this](const v1::DeleteStreamRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(StreamName name,
                         NameFromProto("stream_id", message.stream_id()));
        engine_->DeleteStream(std::move(name), call->Done<bool>(ToEmpty));
        return absl::OkStatus();
      });
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*
StreamsService::Append(Context* context) {
  return new AppendCall(engine_, &rules_, TimeOf(context));
}

StreamsService::Unary* StreamsService::Embed(Context* context,
                                             const Bytes* request,
                                             Bytes* response) {
  return StartUnaryCall<v1::EmbedRequest>(
      request, response,
      [this, context](const v1::EmbedRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(EmbedRequest embed, FromProto(message, rules_));
        call->LimitTime(TimeOf(context));
        embed.cancelled = call->cancelled();
        const bool has_point = embed.name.has_value();
        const auto to_message = [has_point](const EmbedReply& reply) {
          v1::EmbedResponse answer = ToProto(reply);
          if (!has_point) answer.clear_point();
          return answer;
        };
        engine_->Embed(std::move(embed), call->Done<EmbedReply>(to_message));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::Rerank(Context* context,
                                              const Bytes* request,
                                              Bytes* response) {
  return StartUnaryCall<v1::RerankRequest>(
      request, response,
      [this, context](const v1::RerankRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(RerankRequest rerank, FromProto(message, rules_));
        call->LimitTime(TimeOf(context));
        rerank.cancelled = call->cancelled();
        engine_->Rerank(std::move(rerank),
                        call->Done<RerankReply>([](const RerankReply& reply) {
                          return ToProto(reply);
                        }));
        return absl::OkStatus();
      });
}

StreamsService::Writer* StreamsService::ReadEmbeddings(Context* context,
                                                       const Bytes* request) {
  return new ReadEmbeddingsCall(engine_, &reads_, TimeOf(context), *request);
}

StreamsService::Writer* StreamsService::Generate(Context* context,
                                                 const Bytes* request) {
  return new GenerateCall(engine_, &rules_, &sender_, &unread_, TimeOf(context),
                          *request);
}

StreamsService::Unary* StreamsService::Score(Context* context,
                                             const Bytes* request,
                                             Bytes* response) {
  return StartUnaryCall<v1::ScoreRequest>(
      request, response,
      [this, context](const v1::ScoreRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(ScoreRequest score, FromProto(message, rules_));
        call->LimitTime(TimeOf(context));
        score.cancelled = call->cancelled();
        engine_->Score(std::move(score),
                       call->Done<ScoreReply>([](const ScoreReply& reply) {
                         return ToProto(reply);
                       }));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::Fork(Context*, const Bytes* request,
                                            Bytes* response) {
  return StartUnaryCall<v1::ForkRequest>(
      request, response,
      [this](const v1::ForkRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(ForkRequest fork, FromProto(message, rules_));
        engine_->Fork(std::move(fork), call->Done<StreamInfo>(ToStream));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::Checkpoint(Context*,
                                                  const Bytes* request,
                                                  Bytes* response) {
  return StartUnaryCall<v1::CheckpointRequest>(
      request, response,
      [this](const v1::CheckpointRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(CheckpointRequest checkpoint, FromProto(message));
        engine_->Checkpoint(
            std::move(checkpoint),
            call->Done<CheckpointInfo>(
                [](const CheckpointInfo& info) { return ToProto(info); }));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::ListCheckpoints(Context*,
                                                       const Bytes* request,
                                                       Bytes* response) {
  return StartUnaryCall<v1::ListCheckpointsRequest>(
      request, response,
      [this](const v1::ListCheckpointsRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(StreamName name,
                         NameFromProto("stream_id", message.stream_id()));
        const auto to_message = [](const std::vector<CheckpointInfo>& infos) {
          return ToProto(infos);
        };
        engine_->ListCheckpoints(
            std::move(name),
            call->Done<std::vector<CheckpointInfo>>(to_message));
        return absl::OkStatus();
      });
}

StreamsService::Unary* StreamsService::DeleteCheckpoint(Context*,
                                                        const Bytes* request,
                                                        Bytes* response) {
  return StartUnaryCall<v1::DeleteCheckpointRequest>(
      request, response,
      [this](const v1::DeleteCheckpointRequest& message, UnaryCall* call) {
        ASSIGN_OR_RETURN(StreamName name,
                         NameFromProto("stream_id", message.stream_id()));
        RETURN_IF_ERROR(CheckWord("label", message.label()));
        engine_->DeleteCheckpoint(std::move(name), message.label(),
                                  call->Done<bool>(ToEmpty));
        return absl::OkStatus();
      });
}

StreamsService::Writer* StreamsService::ExportState(Context* context,
                                                    const Bytes* request) {
  return new ExportStateCall(engine_, &transfers_, TimeOf(context), *request);
}

grpc::ServerReadReactor<grpc::ByteBuffer>* StreamsService::ImportState(
    Context* context, Bytes* response) {
  return new ImportStateCall(engine_, &rules_, &transfers_, TimeOf(context),
                             response);
}

StreamsService::Writer* StreamsService::ReadText(Context* context,
                                                 const Bytes* request) {
  return new ReadTextCall(engine_, &reads_, TimeOf(context), *request);
}

}  // namespace oxbow
