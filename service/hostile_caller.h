// Hostile requests to whole services, for their tests.
#ifndef OXBOW_SERVICE_HOSTILE_CALLER_H_
#define OXBOW_SERVICE_HOSTILE_CALLER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/generic_stub.h"

namespace oxbow {

// Sends what no client should and expects an honest answer each time: a proper
// code, never Internal, with words and a reason. Thread-compatible.
class HostileCaller {
 public:
  using Services = std::vector<const google::protobuf::ServiceDescriptor*>;
  // `reset` is run now and then, to make the stream "s" that requests name.
  HostileCaller(std::shared_ptr<grpc::Channel> channel,
                const Services& services, std::function<void()> reset);

  struct Counts {
    int calls = 0;
    int refused = 0;
  };
  // Hostile values, one at a time.
  Counts EveryFieldOfEveryRequest();
  // To each method.
  void BytesThatAreNoMessage();
  // So many requests as the first, with bits of them turned.
  Counts TurnedBits(int count, uint64_t seed);

  // Any call is one on the wire: one message, then half-close.
  grpc::Status Call(const std::string& method, const grpc::ByteBuffer& bytes);

 private:
  void ExpectHonest(const grpc::Status& status, const std::string& what);

  // A valid request of every method.
  std::vector<
      std::pair<std::string, std::unique_ptr<google::protobuf::Message>>>
      bases_;
  grpc::GenericStub stub_;
  const std::function<void()> reset_;
};

}  // namespace oxbow

#endif  // OXBOW_SERVICE_HOSTILE_CALLER_H_
