#include "engine/describe_stream.h"

#include "base/status_macros.h"
#include "engine/find_checkpoint.h"

namespace oxbow {
namespace {

StreamInfo DescribeRecord(const StreamRecord& record) {
  StreamInfo info;
  info.name = {record.tenant, record.name};
  info.created = record.created;
  info.expires = record.expires;
  info.labels = record.labels;
  info.plan = record.plan;
  info.forked_from = record.forked_from;
  const LogView view(record);
  info.begin = view.begin();
  if (!record.forked_from.empty()) info.fork_position = view.own_begin();
  info.epoch = record.epoch;
  return info;
}

}  // namespace

StreamInfo DescribeLive(const LiveStream& stream) {
  StreamInfo info = DescribeRecord(stream.record());
  const AppendAck ack = stream.Ack();
  info.durable = ack.durable;
  info.applied = ack.applied;
  info.checkpoint = ack.checkpoint;
  info.token_offset = ack.token_offset;
  info.undecided_bytes = ack.undecided_bytes;
  return info;
}

absl::StatusOr<StreamInfo> DescribeStored(const EngineContext& context,
                                          const StreamRecord& record) {
  StreamInfo info = DescribeRecord(record);
  ASSIGN_OR_RETURN(const absl::optional<LogRecord> last,
                   context.store->LastRecord(record.uid));
  info.durable = HeadOf(record, last);
  FindCheckpointOptions options = CheckpointsOf(*context.generator);
  options.target = info.durable;
  options.end = PointEnd::kOpen;
  options.target_is_head = true;
  ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> usable,
                   UsableCheckpoints(*context.store, LogView(record), options));
  if (!usable.empty()) {
    info.checkpoint = info.applied = usable.front().position;
    info.token_offset = usable.front().token_offset;
  }
  return info;
}

CheckpointInfo Describe(const CheckpointHeader& header) {
  CheckpointInfo info;
  info.position = header.position;
  info.token_offset = header.token_offset;
  info.created = header.created;
  for (const Savepoint& savepoint : header.savepoints) {
    info.labels.push_back(savepoint.label);
    info.position = savepoint.position;
  }
  return info;
}

}  // namespace oxbow
