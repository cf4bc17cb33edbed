#include "clients/bench/generate_load.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "clients/cli/call_status.h"
#include "clients/cli/connection.h"

namespace oxbow::bench {

// Thread-safe: Cancel() from another thread.
class GenerateLoad::Asker {
 public:
  Asker(GenerateLoad* load, std::string stream)
      : load_(load), connection_(load->stage_->server, /*own_socket=*/true) {
    request_.set_stream_id(std::move(stream));
    request_.set_prompt_text(load->stage_->corpus.substr(0, kPromptBytes));
    request_.mutable_sampling()->set_temperature(0);
    request_.set_max_tokens(kTokens);
    request_.set_ignore_end_of_document(true);
  }

  absl::Status Connect() {
    return connection_.WaitUntilConnected(Stage::kConnect);
  }

  absl::Status Run() {
    while (true) {
      grpc::ClientContext context;
      {
        absl::MutexLock lock(&mu_);
        if (cancelled_) return absl::OkStatus();
        running_ = &context;
      }
      const absl::Status status = Generate(&context);
      absl::MutexLock lock(&mu_);
      running_ = nullptr;
      if (cancelled_) return absl::OkStatus();
      RETURN_IF_ERROR(status);
    }
  }

  void Cancel() {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    if (running_ != nullptr) running_->TryCancel();
  }

  bool had_token = false;  // guarded by the load's mutex

 private:
  absl::Status Generate(grpc::ClientContext* context) {
    absl::Time before = absl::Now();
    const auto reader = connection_.streams().Generate(context, request_);
    v1::GenerateResponse event;
    while (reader->Read(&event)) {
      if (!event.has_token()) continue;
      const absl::Time now = absl::Now();
      load_->OnToken(this, event.token().index() == 0, now - before);
      before = now;
    }
    return cli::FromGrpc(reader->Finish());
  }

  GenerateLoad* const load_;
  cli::Connection connection_;
  v1::GenerateRequest request_;

  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  grpc::ClientContext* running_ ABSL_GUARDED_BY(mu_) = nullptr;
};

GenerateLoad::GenerateLoad(const Stage* stage, int streams)
    : stage_(stage), count_(streams) {}

GenerateLoad::~GenerateLoad() { crew_.Stop(); }

absl::Status GenerateLoad::Start() {
  for (int i = 0; i < count_; ++i) {
    ASSIGN_OR_RETURN(std::string stream, stage_->streams->Create());
    askers_.push_back(std::make_unique<Asker>(this, std::move(stream)));
  }
  for (const auto& asker : askers_) RETURN_IF_ERROR(asker->Connect());
  for (const auto& asker : askers_) {
    Asker* const a = asker.get();
    crew_.Add([a] { return a->Run(); }, [a] { a->Cancel(); });
  }
  return absl::OkStatus();
}

void GenerateLoad::OnToken(Asker* asker, bool is_first,
                           absl::Duration latency) {
  absl::MutexLock lock(&mu_);
  asker->had_token = true;
  if (!measuring_) return;
  ++counted_.tokens;
  (is_first ? counted_.first_token : counted_.inter_token).Add(latency);
}

bool GenerateLoad::Warm() {
  absl::MutexLock lock(&mu_);
  return std::all_of(askers_.begin(), askers_.end(),
                     [](const auto& asker) { return asker->had_token; });
}

void GenerateLoad::BeginWindow() {
  absl::MutexLock lock(&mu_);
  measuring_ = true;
  begun_ = absl::Now();
}

void GenerateLoad::EndWindow() {
  absl::MutexLock lock(&mu_);
  measuring_ = false;
  figures_ = counted_;
  figures_.seconds = absl::ToDoubleSeconds(absl::Now() - begun_);
}

}  // namespace oxbow::bench
