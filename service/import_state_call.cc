#include "service/import_state_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "engine/state_file.h"
#include "service/field_rules.h"
#include "service/message_bytes.h"
#include "service/to_grpc_status.h"
#include "service/to_proto.h"

namespace oxbow {

ImportStateCall::ImportStateCall(Engine* engine, const RequestRules* rules,
                                 CallSlots* transfers, const CallTime& time,
                                 grpc::ByteBuffer* response)
    : engine_(engine),
      rules_(rules),
      transfers_(transfers),
      limits_(time.limits),
      response_(response),
      file_bytes_max_(engine->generator_info().state_bytes +
                      kStateFileOverheadMax + kUndecidedBytesMax),
      timer_(time.timers, [this] { OnLate(); }) {
  ReadNext();
}

void ImportStateCall::ReadNext() {
  timer_.Start(slot_ == nullptr ? limits_->first_message_max
                                : limits_->stall_max);
  StartRead(&read_);
}

void ImportStateCall::OnLate() {
  Finish(ToGrpcStatus(slot_ == nullptr ? FirstMessageLate(*limits_)
                                       : SenderStalled(*limits_)));
}

void ImportStateCall::OnReadDone(bool ok) {
  if (timer_.Stop()) return;
  if (!ok) return Import();
  const absl::Status status = TakeMessage();
  if (!status.ok()) return Finish(ToGrpcStatus(status));
  ReadNext();
}

absl::Status ImportStateCall::TakeMessage() {
  v1::ImportStateRequest message;
  RETURN_IF_ERROR(ParseMessage(read_, &message));
  if (slot_ == nullptr) {
    if (!message.has_create()) {
      return FieldError("create", "must be the first message");
    }
    return Open(message.create());
  }
  if (message.has_create()) {
    return FieldError("create", "must be the first message, and only it");
  }
  if (message.data().size() > file_bytes_max_ - request_.file.size()) {
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat(
            "state file: longer than ", file_bytes_max_,
            " bytes, which is more than a state of this model takes")),
        "BAD_STATE_FILE");
  }
  request_.file += message.data();
  return absl::OkStatus();
}

absl::Status ImportStateCall::Open(const v1::CreateStreamRequest& message) {
  ASSIGN_OR_RETURN(request_.create, FromProto(message, *rules_));
  ASSIGN_OR_RETURN(slot_, transfers_->Take());
  return absl::OkStatus();
}

void ImportStateCall::Import() {
  if (slot_ == nullptr) {
    return Finish(
        ToGrpcStatus(FieldError("create", "must be the first message")));
  }
  engine_->ImportState(std::move(request_),
                       [this](absl::StatusOr<StreamInfo> info) {
                         if (!info.ok())
                           return Finish(ToGrpcStatus(info.status()));
                         *response_ = SerializeMessage(ToProto(*info));
                         Finish(grpc::Status::OK);
                       });
}

}  // namespace oxbow
