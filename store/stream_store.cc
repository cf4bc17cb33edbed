#include "store/stream_store.h"

namespace oxbow {
namespace {

// Keys, checksums and small fields of one entry, about.
constexpr size_t kEntryBytes = 128;

size_t SizeOf(const StreamRecord& stream) {
  size_t bytes = kEntryBytes + stream.tenant.size() + stream.name.size() +
                 stream.forked_from.size() + 24 * stream.ancestry.size() +
                 48 * stream.model_ids.size();
  for (const auto& label : stream.labels) {
    bytes += 4 + label.first.size() + label.second.size();
  }
  return bytes;
}

size_t SizeOf(const CheckpointHeader& header) {
  size_t bytes = 2 * kEntryBytes + header.layout_id.size() +
                 header.numerics_id.size() + header.reader.size();
  for (const Savepoint& savepoint : header.savepoints) {
    bytes += 32 + savepoint.label.size();
  }
  return bytes;
}

}  // namespace

size_t StoreBatch::ByteSize() const {
  size_t bytes = 0;
  for (const StreamRecord& stream : put_streams) bytes += SizeOf(stream);
  for (const Append& append : appends) {
    bytes += kEntryBytes + append.record.text.size() +
             4 * append.record.ids.size() + append.record.provenance.size();
  }
  for (const Checkpoint& checkpoint : put_checkpoints) {
    bytes += SizeOf(checkpoint.header) + checkpoint.state.size();
  }
  for (const CheckpointHeader& header : put_checkpoint_headers) {
    bytes += SizeOf(header);
  }
  bytes += kEntryBytes * delete_checkpoints.size();
  for (const Embedding& embedding : put_embeddings) {
    bytes += kEntryBytes + 4 * embedding.record.vector.size();
  }
  for (const Request& request : put_requests) {
    bytes += kEntryBytes + request.request_id.size() + request.result.size();
  }
  for (const Beginning& beginning : put_beginnings) {
    bytes += 2 * (kEntryBytes + beginning.tenant.size());
  }
  return bytes;
}

bool StoreBatch::Adds() const {
  return !put_streams.empty() || !appends.empty() || !put_checkpoints.empty() ||
         !put_embeddings.empty() || !put_requests.empty() ||
         !put_beginnings.empty();
}

}  // namespace oxbow
