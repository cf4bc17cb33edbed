// Hostile values in every field of every request, and bytes that are no
// request at all: each gets an honest answer, never Internal, and the server
// goes on serving. Two targets: with oxbowd among its runfiles the real server
// is asked, without it one over a puppet engine.
#include <unistd.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "service/message_bytes.h"
#include "service/puppet_server.h"
#include "tests/testing/server_process.h"
#include "tests/testing/tiny_model.h"

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

// Calls `mutate(leaf, field, index)` once for every hostile value of every
// scalar field below `base`, each time on a fresh copy.
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

class HostileRequestsTest : public testing::Test {
 protected:
  HostileRequestsTest() : channel_(Connect()), stub_(channel_) { Reset(); }

  // To the real server, if there is one.
  std::shared_ptr<grpc::Channel> Connect() {
    if (access("service/oxbowd", X_OK) != 0) return puppet_.channel();
    const std::string folder =
        absl::StrCat(testing::TempDir(), "/hostile_", getpid());
    const std::string model = folder + ".safetensors";
    OXBOW_CHECK_OK(WriteTinyModel(TinyModelOptions(), model));
    auto process = ServerProcess::Start(
        {"--model=" + model, "--tokenizer=bytes", "--store=" + folder});
    OXBOW_CHECK_OK(process.status());
    process_ = *std::move(process);
    return grpc::CreateChannel(process_->address(),
                               grpc::InsecureChannelCredentials());
  }

  // The stream "s" with some text.
  void Reset() {
    const auto streams = v1::Streams::NewStub(channel_);
    v1::CreateStreamRequest create;
    create.set_stream_id("s");
    v1::Stream stream;
    grpc::ClientContext create_context;
    // It may be there, made otherwise.
    streams->CreateStream(&create_context, create, &stream);
    v1::AppendRequest open, chunk;
    open.mutable_open()->set_stream_id("s");
    chunk.mutable_chunk()->mutable_position();
    chunk.mutable_chunk()->set_text("hello world");
    grpc::ClientContext context;
    const auto append = streams->Append(&context);
    append->Write(open);
    append->WriteLast(chunk, grpc::WriteOptions());
    for (v1::AppendResponse response; append->Read(&response);) {
    }
    append->Finish();
  }

  // Any call is one on the wire: one message, then half-close.
  grpc::Status Call(const std::string& method, const grpc::ByteBuffer& bytes) {
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

  void ExpectHonest(const grpc::Status& status, const std::string& what) {
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

  // Valid requests of every method of a service.
  static std::vector<std::pair<std::string, std::unique_ptr<Message>>> Bases();

  PuppetServer puppet_;
  std::unique_ptr<ServerProcess> process_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
};

std::vector<std::pair<std::string, std::unique_ptr<Message>>>
HostileRequestsTest::Bases() {
  std::vector<std::pair<std::string, std::unique_ptr<Message>>> bases;
  for (const auto* service :
       {v1::AppendRequest::descriptor()->file()->FindServiceByName("Streams"),
        v1::TokenizeRequest::descriptor()->file()->FindServiceByName(
            "Models")}) {
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
      bases.emplace_back(
          absl::StrCat("/", service->full_name(), "/", method->name()),
          std::move(base));
    }
  }
  return bases;
}

TEST_F(HostileRequestsTest, EveryFieldOfEveryRequest) {
  int count = 0;
  int refused = 0;
  for (const auto& [method, base] : Bases()) {
    std::vector<Mutant> mutants;
    AddMutants(*base, {}, base->GetDescriptor(), &mutants);
    for (const Mutant& mutant : mutants) {
      // It would wait for ever, as it should.
      if (mutant.what.find("follow") != std::string::npos) continue;
      // Not after every call: a removed stream is an honest NotFound too.
      if (count % 8 == 0) Reset();
      const grpc::Status status =
          Call(method, SerializeMessage(*mutant.message));
      ExpectHonest(status, mutant.what);
      ++count;
      refused += !status.ok();
    }
  }
  EXPECT_GE(count, 400);
  EXPECT_GE(refused, 200);
  // Whatever they left behind, the server still serves.
  Reset();
  EXPECT_TRUE(
      Call("/oxbow.v1.Models/GetModel", SerializeMessage(v1::GetModelRequest()))
          .ok());
}

TEST_F(HostileRequestsTest, BytesThatAreNoMessage) {
  std::mt19937 random(20240607);
  for (const auto& [method, base] : Bases()) {
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

// A deep message must not overflow the stack of the parser.
TEST_F(HostileRequestsTest, DeeplyNestedUnknownFields) {
  std::string bytes;
  for (int i = 0; i < 100000; ++i) bytes += "\x7b";  // field 15, start group
  const grpc::Slice slice(bytes);
  const grpc::Status status =
      Call("/oxbow.v1.Streams/GetStream", grpc::ByteBuffer(&slice, 1));
  EXPECT_EQ(GrpcReason(status), "BAD_MESSAGE");
}

}  // namespace
}  // namespace oxbow
