// The limits of the wire; Limits of engine/requests.h has the engine's.
#ifndef OXBOW_SERVICE_SERVER_LIMITS_H_
#define OXBOW_SERVICE_SERVER_LIMITS_H_

#include <cstdint>

namespace oxbow {

// Streams in one page of ListStreams: a page stays well below
// message_out_bytes_max with every label at its longest.
inline constexpr int kPageSizeMax = 1000;

// State files on their way in or out at once; each is held whole in memory.
inline constexpr int kTransfersMax = 8;

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
  // Percent of the machine's memory for gRPC's own buffers.
  int transport_memory_percent = 25;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_SERVER_LIMITS_H_
