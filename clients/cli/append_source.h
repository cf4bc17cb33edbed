// A document as the chunks an Append call sends.
#ifndef OXBOW_CLIENTS_CLI_APPEND_SOURCE_H_
#define OXBOW_CLIENTS_CLI_APPEND_SOURCE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "clients/cli/connection.h"
#include "oxbow/v1/streams.pb.h"

namespace oxbow::cli {

// a < b in the order of a log.
bool IsBefore(const v1::Position& a, const v1::Position& b);

// One chunk with the place where it ends: it is durable once that is.
struct Piece {
  v1::AppendChunk chunk;  // its position is where it begins
  v1::Position end;
};

// Reads a document once, from its beginning to its end. Thread-compatible.
class AppendSource {
 public:
  virtual ~AppendSource() = default;

  // The next chunk, to stand at `begin`; nullopt at the end. After an error
  // that MayRetry() it can be asked again; nothing is lost.
  virtual absl::StatusOr<absl::optional<Piece>> Next(
      const v1::Position& begin) = 0;

  // Takes as many bytes as `text` has from the document and compares.
  // DataFault: they differ, or the document is shorter.
  virtual absl::Status Skip(const std::string& text) = 0;
  // After the last Skip: tokens without bytes that stand at `end` too.
  virtual absl::Status SkipTo(const v1::Position& end) = 0;
};

// Borrows `fd`.
std::unique_ptr<AppendSource> NewTextSource(int fd, size_t chunk_bytes);

// The text of `fd` is ids, separated by white space. Asks the server for the
// lengths of their pieces. Borrows both.
std::unique_ptr<AppendSource> NewTokenSource(int fd, size_t chunk_ids,
                                             Connection* connection);

}  // namespace oxbow::cli

#endif  // OXBOW_CLIENTS_CLI_APPEND_SOURCE_H_
