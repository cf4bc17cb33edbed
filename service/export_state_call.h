// One ExportState call.
#ifndef OXBOW_SERVICE_EXPORT_STATE_CALL_H_
#define OXBOW_SERVICE_EXPORT_STATE_CALL_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "engine/engine.h"
#include "service/call_slots.h"
#include "service/call_time.h"
#include "service/page_call.h"

namespace oxbow {

// Asks the engine for the file once and streams it in pieces.
class ExportStateCall final : public PageCall<std::string> {
 public:
  // Borrows engine and slots, which must outlive the server's calls.
  ExportStateCall(Engine* engine, CallSlots* transfers, const CallTime& time,
                  const grpc::ByteBuffer& bytes);

 private:
  absl::Status Open(CallSlots* transfers, const grpc::ByteBuffer& bytes);
  void Ask(Callback<std::string> done) override;
  Step Take(std::string file) override;

  Engine* const engine_;
  ExportStateRequest request_;
  CallSlots::Slot slot_;
  std::string file_;  // empty until the engine made it
  size_t sent_ = 0;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_EXPORT_STATE_CALL_H_
