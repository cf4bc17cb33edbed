// The limits of the wire; Limits of engine/requests.h has the engine's.
#ifndef OXBOW_SERVICE_SERVER_LIMITS_H_
#define OXBOW_SERVICE_SERVER_LIMITS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace oxbow {

// Streams in one page of ListStreams: a page stays well below
// message_out_bytes_max with every label at its longest.
inline constexpr int kPageSizeMax = 1000;

// State files on their way in or out at once; each is held whole in memory.
inline constexpr int kTransfersMax = 8;

// ReadText and ReadEmbeddings calls at once; each holds a page.
inline constexpr int kReadCallsMax = 1024;

// Of generated answers that wait for clients that read too slowly: past the
// first, of all calls together, those end that have more than the second.
inline constexpr int64_t kUnreadBytesMax = 64 << 20;
inline constexpr int64_t kUnreadBytesOfCallMax = 1 << 20;

struct ServerLimits {
  // One request. Four times the largest chunk, so that ids (up to five bytes
  // each) and prompts fit too.
  int message_in_bytes_max = 4 << 20;
  // One response. 256 vectors of 4,096 numbers are 4 MiB.
  int message_out_bytes_max = 16 << 20;
  // All headers of a call; no client of ours sends more than 1 KiB.
  int metadata_bytes_max = 8 << 10;
  // Calls at once on one connection; one client must not take them all.
  int calls_per_connection_max = 100;
  // A client that wants to ping more often than this is cut off.
  int client_ping_seconds_min = 20;
  // The server pings an idle client so often, and waits so long for an
  // answer: a client that lost its power is noticed.
  int ping_seconds = 60;
  int ping_timeout_seconds = 20;
  // gRPC's own buffers, of messages that are not whole yet above all; never
  // more than a quarter of the machine's memory. Past it gRPC cuts calls.
  int64_t transport_bytes_max = int64_t{1} << 30;
  // From connecting to the end of HTTP/2's preface.
  absl::Duration handshake_max = absl::Seconds(10);
  // A connection without calls is closed after so long, as gRPC's clients
  // expect: their next call connects anew.
  absl::Duration idle_connection_max = absl::Minutes(10);

  // The time limits of calls; docs/decisions/0050 has their reasons. Zero: for
  // ever.

  // From the beginning of an Append or ImportState call to its first message.
  absl::Duration first_message_max = absl::Seconds(10);
  // Between two messages of an Append call, while the server waits for one.
  // Half a message is none: gRPC tells of whole ones only.
  absl::Duration idle_append_max = absl::Hours(1);
  // A client may take so long for one message of an answer, or for the next
  // message of an ImportState call.
  absl::Duration stall_max = absl::Minutes(1);
  // A Generate, Embed, Score or Rerank call.
  absl::Duration request_max = absl::Minutes(10);
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_SERVER_LIMITS_H_
