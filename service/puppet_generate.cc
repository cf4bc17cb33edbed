// PuppetEngine::Generate: the alphabet, as often as asked for.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/error_reason.h"
#include "service/puppet_engine.h"

namespace oxbow {

void PuppetEngine::Generate(GenerateRequest request,
                            GenerateObserver* observer) {
  auto shared = std::make_shared<GenerateRequest>(std::move(request));
  OXBOW_CHECK_OK(thread_.Run([this, shared, observer] {
    const absl::Status allowed = Allow("Generate");
    if (!allowed.ok()) return observer->OnDone(allowed);
    absl::StatusOr<uint64_t> at = absl::UnknownError("");
    {
      absl::MutexLock lock(&mu_);
      PuppetStream* const stream = Find(shared->name);
      at = stream == nullptr ? absl::NotFoundError("no stream")
                             : Locate(*stream, shared->at);
    }
    if (at.ok()) {
      const absl::Status known = Remember(shared.get());
      if (!known.ok()) at = known;
    }
    if (!at.ok()) return observer->OnDone(at.status());
    observer->OnStart({{*at, 0}, *at});
    GenerateNext(shared, observer, 0);
  }));
}

absl::Status PuppetEngine::Remember(GenerateRequest* request) {
  if (request->request_id.empty()) return absl::OkStatus();
  absl::MutexLock lock(&mu_);
  const auto known = generations_.find(request->request_id);
  if (!request->resume) {
    generations_.emplace(request->request_id, *request);
    return absl::OkStatus();
  }
  if (known == generations_.end()) {
    return WithReason(absl::NotFoundError("no such generation"),
                      "NO_GENERATION");
  }
  const GenerateRequest resume = *request;
  *request = known->second;
  request->from_index = resume.from_index;
  request->cancelled = resume.cancelled;
  return absl::OkStatus();
}

void PuppetEngine::GenerateNext(std::shared_ptr<GenerateRequest> request,
                                GenerateObserver* observer, int index) {
  const bool cancelled = *request->cancelled;
  bool endless = false;
  {
    absl::MutexLock lock(&mu_);
    endless = endless_;
    if (cancelled) ++cancelled_count_;
  }
  if (cancelled) {
    return observer->OnDone(absl::CancelledError("the client is gone"));
  }
  if (!endless && index == request->tokens_max) {
    std::string text;
    for (int i = 0; i < index; ++i) text.push_back('a' + i % 26);
    for (int branch = 0; branch < request->branches; ++branch) {
      FinishedBranch finished;
      finished.branch = branch;
      finished.text = text;
      finished.tokens = index;
      observer->OnBranch(finished);
    }
    return observer->OnDone(absl::OkStatus());
  }
  for (int branch = 0; branch < request->branches; ++branch) {
    const std::vector<int>& from = request->from_index;
    if (branch < static_cast<int>(from.size()) && index < from[branch]) {
      continue;
    }
    GeneratedToken token;
    token.branch = branch;
    token.index = index;
    token.id = 'a' + index % 26;
    token.bytes = std::string(1, static_cast<char>(token.id));
    token.logprob = -0.5f;
    for (int i = 0; i < request->top_logprobs; ++i) {
      token.top.push_back({token.id + i, -0.5f - i});
    }
    observer->OnToken(token);
  }
  OXBOW_CHECK_OK(thread_.Run([this, request, observer, index] {
    GenerateNext(request, observer, index + 1);
  }));
}

}  // namespace oxbow
