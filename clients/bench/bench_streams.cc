#include "clients/bench/bench_streams.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "clients/cli/call_status.h"

namespace oxbow::bench {
namespace {

constexpr int kDaySeconds = 24 * 60 * 60;

std::string DrawPrefix() {
  std::random_device random;
  return absl::StrFormat("oxbow-bench-%08x-", random());
}

}  // namespace

BenchStreams::BenchStreams(cli::Connection* connection, bool keep)
    : connection_(connection), keep_(keep), prefix_(DrawPrefix()) {}

absl::StatusOr<std::string> BenchStreams::Create(int64_t embed_every) {
  v1::CreateStreamRequest request;
  request.set_stream_id(absl::StrCat(prefix_, ++made_));
  if (!keep_) request.mutable_ttl()->set_seconds(kDaySeconds);
  if (embed_every > 0) {
    request.mutable_embedding_plan()->set_every_tokens(embed_every);
  }
  // Also one whose answer does not arrive may be there.
  names_.push_back(request.stream_id());
  RETURN_IF_ERROR(cli::Ask(&connection_->streams(),
                           &v1::Streams::Stub::CreateStream, request)
                      .status());
  return request.stream_id();
}

absl::Status BenchStreams::DeleteAll() {
  absl::Status first;
  int left = 0;
  for (const std::string& name : names_) {
    if (keep_) break;
    v1::DeleteStreamRequest request;
    request.set_stream_id(name);
    const absl::Status status =
        cli::Ask(&connection_->streams(), &v1::Streams::Stub::DeleteStream,
                 request)
            .status();
    if (status.ok() || absl::IsNotFound(status)) continue;
    ++left;
    if (first.ok()) first = status;
  }
  names_.clear();
  if (first.ok()) return first;
  return absl::Status(
      first.code(),
      absl::StrCat(left, " streams named ", prefix_,
                   "... are left on the server; `oxbow rm` deletes them, or "
                   "they expire within a day: ",
                   cli::Sentence(first)));
}

}  // namespace oxbow::bench
