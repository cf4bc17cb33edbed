#include "service/hostile_caller.h"

#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "service/message_bytes.h"
#include "service/puppet_server.h"

namespace oxbow {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct Mutant {
  std::string what;
  std::unique_ptr<Message> message;
};

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<int64_t> Integers() {
  return {-1, 1, 1LL << 31, std::numeric_limits<int64_t>::min(),
          std::numeric_limits<int64_t>::max()};
}

std::vector<std::string> Strings() {
  return {"",
          "s",
          "../../etc",
          "a b",
          "\n\x1b[2J",
          std::string(129, 'x'),
          std::string(70000, 'y'),
          "\xe2\x82\xac"};
}

// Sets (or, repeated, adds) one hostile value; the number of those it has
// is returned, `index` says which.
size_t SetHostile(Message* message, const FieldDescriptor* field,
                  size_t index) {
  const Reflection& r = *message->GetReflection();
  const std::vector<int64_t> integers = Integers();
  const std::vector<double> floats = {-1, 1e30, kNan, kInfinity, -kInfinity};
  const std::vector<std::string> strings = Strings();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      const int32_t value = static_cast<int32_t>(integers[index]);
      many ? r.AddInt32(message, field, value)
           : r.SetInt32(message, field, value);
      return integers.size();
    }
    case FieldDescriptor::CPPTYPE_INT64:
      r.SetInt64(message, field, integers[index]);
      return integers.size();
    case FieldDescriptor::CPPTYPE_UINT64:
      r.SetUInt64(message, field, integers[index]);
      return integers.size();
    case FieldDescriptor::CPPTYPE_FLOAT:
      r.SetFloat(message, field, floats[index]);
      return floats.size();
    case FieldDescriptor::CPPTYPE_BOOL:
      r.SetBool(message, field, true);
      return 1;
    case FieldDescriptor::CPPTYPE_ENUM:
      r.SetEnumValue(message, field, static_cast<int>(integers[index]));
      return integers.size();
    case FieldDescriptor::CPPTYPE_STRING:
      many ? r.AddString(message, field, strings[index])
           : r.SetString(message, field, strings[index]);
      return strings.size();
    default:
      ADD_FAILURE() << "no hostile values for " << field->full_name();
      return 0;
  }
}

// One for every hostile value of every scalar field below `base`.
void AddMutants(const Message& base, std::vector<const FieldDescriptor*> path,
                const Descriptor* type, std::vector<Mutant>* mutants) {
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (path.size() > 3) continue;
      path.push_back(field);
      AddMutants(base, path, field->message_type(), mutants);
      path.pop_back();
      continue;
    }
    size_t count = 1;
    for (size_t index = 0; index < count; ++index) {
      std::unique_ptr<Message> copy(base.New());
      copy->CopyFrom(base);
      Message* leaf = copy.get();
      for (const FieldDescriptor* step : path) {
        const Reflection& r = *leaf->GetReflection();
        leaf = step->is_repeated() ? r.AddMessage(leaf, step)
                                   : r.MutableMessage(leaf, step);
      }
      count = SetHostile(leaf, field, index);
      mutants->push_back({absl::StrCat(field->full_name(), " value ", index),
                          std::move(copy)});
    }
  }
}

std::vector<Mutant> MutantsOf(const Message& base) {
  std::vector<Mutant> mutants;
  AddMutants(base, {}, base.GetDescriptor(), &mutants);
  return mutants;
}

// It would wait for ever, as it should.
bool Follows(const Message& request) {
  const auto* follow = request.GetDescriptor()->FindFieldByName("follow");
  return follow != nullptr && request.GetReflection()->GetBool(request, follow);
}

}  // namespace

HostileCaller::HostileCaller(std::shared_ptr<grpc::Channel> channel,
                             const Services& services,
                             std::function<void()> reset)
    : stub_(std::move(channel)), reset_(std::move(reset)) {
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      std::unique_ptr<Message> base(
          google::protobuf::MessageFactory::generated_factory()
              ->GetPrototype(method->input_type())
              ->New());
      const auto* id = method->input_type()->FindFieldByName("stream_id");
      if (id != nullptr) {
        base->GetReflection()->SetString(base.get(), id, "s");
      }
      bases_.emplace_back(
          absl::StrCat("/", service->full_name(), "/", method->name()),
          std::move(base));
    }
  }
}

grpc::Status HostileCaller::Call(const std::string& method,
                                 const grpc::ByteBuffer& bytes) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
  grpc::CompletionQueue queue;
  const auto call = stub_.PrepareCall(&context, method, &queue);
  const auto step = [&queue] {
    void* tag;
    bool ok = false;
    queue.Next(&tag, &ok);
    return ok;
  };
  call->StartCall(nullptr);
  step();
  call->WriteLast(bytes, grpc::WriteOptions(), nullptr);
  step();
  grpc::ByteBuffer response;
  do {
    call->Read(&response, nullptr);
  } while (step());
  grpc::Status status;
  call->Finish(&status, nullptr);
  step();
  return status;
}

void HostileCaller::ExpectHonest(const grpc::Status& status,
                                 const std::string& what) {
  using grpc::StatusCode;
  EXPECT_THAT(
      status.error_code(),
      testing::AnyOf(StatusCode::OK, StatusCode::INVALID_ARGUMENT,
                     StatusCode::NOT_FOUND, StatusCode::OUT_OF_RANGE,
                     StatusCode::ALREADY_EXISTS,
                     StatusCode::FAILED_PRECONDITION, StatusCode::DATA_LOSS))
      << what << ": " << status.error_message();
  if (status.ok()) return;
  EXPECT_FALSE(status.error_message().empty()) << what;
  EXPECT_FALSE(GrpcReason(status).empty()) << what;
}

HostileCaller::Counts HostileCaller::EveryFieldOfEveryRequest() {
  Counts counts;
  for (const auto& [method, base] : bases_) {
    for (const Mutant& mutant : MutantsOf(*base)) {
      if (Follows(*mutant.message)) continue;
      // Not after every call: a removed stream is an honest NotFound too.
      if (counts.calls % 8 == 0) reset_();
      const grpc::Status status =
          Call(method, SerializeMessage(*mutant.message));
      ExpectHonest(status, mutant.what);
      ++counts.calls;
      counts.refused += !status.ok();
    }
  }
  return counts;
}

void HostileCaller::BytesThatAreNoMessage() {
  std::mt19937 random(20240607);
  for (const auto& [method, base] : bases_) {
    for (int round = 0; round < 12; ++round) {
      std::string bytes(1 + random() % 60, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      if (round == 0) bytes = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
      if (round == 1) bytes = std::string("\x0a\x02\xff\xfe", 4);
      const grpc::Slice slice(bytes);
      const grpc::Status status = Call(method, grpc::ByteBuffer(&slice, 1));
      ExpectHonest(status, method);
      if (round == 0) {
        EXPECT_EQ(GrpcReason(status), "BAD_MESSAGE") << method;
      }
    }
  }
}

HostileCaller::Counts HostileCaller::TurnedBits(int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::pair<std::string, Mutant>> mutants;
  for (const auto& [method, base] : bases_) {
    for (Mutant& mutant : MutantsOf(*base)) {
      mutants.emplace_back(method, std::move(mutant));
    }
  }
  Counts counts;
  while (counts.calls < count) {
    const auto& [method, mutant] = mutants[random() % mutants.size()];
    std::string bytes = mutant.message->SerializeAsString();
    // Long texts are for the other tests.
    if (bytes.empty() || bytes.size() > 1000) continue;
    for (int turns = 1 + random() % 4; turns > 0; --turns) {
      bytes[random() % bytes.size()] ^= 1 << random() % 8;
    }
    const std::unique_ptr<Message> read(mutant.message->New());
    if (read->ParseFromString(bytes) && Follows(*read)) continue;
    if (counts.calls % 8 == 0) reset_();
    const grpc::Slice slice(bytes);
    const grpc::Status status = Call(method, grpc::ByteBuffer(&slice, 1));
    ExpectHonest(status, absl::StrCat(mutant.what, ", bits turned, call ",
                                      counts.calls, " of seed ", seed));
    ++counts.calls;
    counts.refused += !status.ok();
  }
  return counts;
}

}  // namespace oxbow
